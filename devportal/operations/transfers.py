"""Giving an application to somebody else."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.text import listed
from core.values import invalid
from devportal import news, tokens
from devportal.models import Application, OwnerBlock
from devportal.operations.applications import ApplicationNameTaken, NoMoreApplications, lock
from devportal.operations.tokens import end_tokens_of
from devportal.permissions import can_develop, require_transfer
from devportal.subscription_states import BLOCKING


class TransferRefused(Conflict):
    """Something stands against this application going to this person."""


def transfer_application(*, application: Application, to: str, actor: User, now: datetime) -> Application:
    """Give an application with its subscriptions and keys to the developer called `to`, who is told.

    What the old owner knows ends: all tokens, further secrets and the first secret; the new owner makes another. The
    owner may, and administrators. Raises NotYourApplication, Invalid (to), TransferRefused, ApplicationNameTaken or
    NoMoreApplications.
    """
    require_transfer(actor, application)
    person = User.objects.filter(username_key=to.strip(), is_active=True, is_service=False).first()
    if person is None or not can_develop(person):
        sentence = _("There is no developer called %(name)s. Type the user name of somebody who may have one.")
        raise invalid(to=sentence % {"name": to.strip()})
    if person.pk == application.owner_id:
        about = {"application": application, "person": person.username}
        raise invalid(to=_("%(application)s belongs to %(person)s already.") % about)
    with transaction.atomic():
        row = lock(application)
        _require_nothing_against(person, row)
        before = row.owner
        row.owner, row.updated_at = person, now
        rows.save(row, taken=lambda: ApplicationNameTaken(name=row.name))
        row.members.filter(person=person).delete()
        for client in row.clients.all():
            end_tokens_of(client, actor=actor, now=now)
            client.secrets.all().delete()
            client.user, client.client_secret, client.secret_by = person, tokens.random_token(), None
            client.save()
        about = {"from": before.username, "to": person.username}
        record_change(row, "transferred", actor=actor, now=now, **about)
        news.application_given(row, before, now)
    return row


def _require_nothing_against(person: User, row: Application) -> None:
    """There is room for it among their own, and no block: that belongs to a person, and nobody gets round it by giving
    an application away, or by being given one."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    most = settings.APPLICATIONS_PER_PERSON
    if Application.objects.filter(owner=person).count() >= most > 0:
        sentence = _("%(person)s has as many applications as one person may.")
        raise NoMoreApplications(sentence % {"person": person.username})
    for each in row.subscriptions.select_related("plan", "api"):
        theirs = each.api.subscriptions.filter(application__owner=person).count()
        if each.plan.applications is not None and theirs >= each.plan.applications:
            raise TransferRefused(
                _("%(person)s has as many applications subscribed to %(api)s as %(plan)s allows one person.")
                % {"person": person.username, "api": each.api, "plan": each.plan}
            )
    apis = row.subscriptions.values("api")
    blocked = [str(each.api) for each in row.subscriptions.filter(state__in=BLOCKING).select_related("api")]
    blocked += [str(each.api) for each in OwnerBlock.objects.filter(owner=person, api__in=apis).select_related("api")]
    if blocked:
        names = listed(sorted(set(blocked)))
        raise TransferRefused(
            _("A publisher has blocked you or %(person)s from %(apis)s. Unsubscribe there first.")
            % {"person": person.username, "apis": names}
        )
