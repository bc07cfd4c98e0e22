"""Sharing an application with named people, and what ends when that ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from oauth2_provider.models import AccessToken

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict, Invalid
from core.values import BadValue, invalid
from devportal import memberships, news, sharing, tokens
from devportal.errors import ApplicationNotFound, MemberNotFound
from devportal.models import Application, ClientSecret, Membership, OAuthClient
from devportal.permissions import can_develop, require_use_application
from devportal.sharing import Right


class AlreadyShared(Conflict):
    """The application is shared with this person already."""


class TooManyPeople(Conflict):
    """The application is shared with as many people as one may be."""

    sentence = gettext_noop("An application is shared with {most} people at most. Remove somebody first.")


def add_member(*, application: Application, name: str, right: Right, actor: User, now: datetime) -> Membership:
    """Share `application` with a developer, named by user name or confirmed e-mail address, who is told.

    Raises NotYourApplication, Invalid (name, right), AlreadyShared, TooManyPeople or ApplicationNotFound.
    """
    require_use_application(actor, application, Right.OWN)
    said = name.strip()  # a user name, or an address that somebody has shown to be theirs
    known = Q(username_key=said) | (Q(email_key=said, confirmed_email=F("email")) if "@" in said else Q(pk__in=()))
    person = User.objects.filter(known, is_active=True, is_service=False).order_by("pk").first()
    if not said or person is None or not can_develop(person):
        unknown = _("There is no developer called %(name)s. Type a user name, or an address that they confirmed.")
        raise invalid(name=unknown % {"name": said})
    if right not in sharing.GIVEN:
        raise invalid(right=_("Choose what they may do."))
    if person.pk == application.owner_id:
        about = {"application": application, "person": person.username}
        raise invalid(name=_("%(application)s belongs to %(person)s, who may do everything with it.") % about)
    with transaction.atomic():
        row = rows.lock(application, gone=ApplicationNotFound, no_key=True)
        if row.members.count() >= sharing.MOST_PEOPLE:
            raise TooManyPeople(most=sharing.MOST_PEOPLE)
        member = Membership(application=row, person=person, right=right, since=now)
        about = {"application": application, "person": person.username}
        sentence = _("%(application)s is shared with %(person)s already. Change what they may do in the list.") % about
        rows.save(member, taken=lambda: AlreadyShared(sentence))
        record_change(member, "added", actor=actor, now=now)
        news.application_shared(member, now)
    return member


def change_right(*, member: Membership, right: Right, actor: User, now: datetime) -> Membership:
    """Give a member another right. What they made with more than that ends, as `remove_member` says.

    Raises NotYourApplication, Invalid (right) or MemberNotFound.
    """
    require_use_application(actor, member.application, Right.OWN)
    if right not in sharing.GIVEN:
        raise invalid(right=_("Choose what they may do."))
    with transaction.atomic():
        row = rows.lock(member, gone=MemberNotFound)
        before, row.right = Right(row.right).name.lower(), right
        row.save(update_fields=["right"])
        ended = _end_beyond(row.person, row.application, right, actor, now)
        record_change(row, "updated", actor=actor, now=now, **{"from": before}, **ended)
        news.application_shared(row, now)
    return row


def remove_member(*, member: Membership, actor: User, now: datetime) -> None:
    """End that an application is shared with somebody: its owner may, and they themselves.

    What they have seen of its credentials ends with it: the tokens that they generated, with the connections on them,
    and the secrets that they made. The other side is told. Raises NotYourApplication or MemberNotFound.
    """
    if actor.pk != member.person_id:
        require_use_application(actor, member.application, Right.OWN)
    with transaction.atomic():
        _remove(rows.lock(member, gone=MemberNotFound), actor, now)


def leave_all(person: User, now: datetime) -> None:
    """End every share with somebody who deletes their account. Call it in that transaction."""
    for member in person.memberships.select_related("application__owner", "person"):
        _remove(member, person, now)


def set_groups(*, application: Application, groups: Iterable[str], actor: User, now: datetime) -> None:
    """Share `application` with exactly those whom `groups` names, as `sharing.read` reads them.

    Whoever does not own it may send what holds anyway. Raises NotYourApplication, Invalid (groups), TooManyPeople.
    """
    wanted: dict[str, tuple[str, Right]] = {}
    try:
        for name, right in map(sharing.read, groups):
            wanted[name.casefold()] = (name, right)
    except BadValue as error:
        raise invalid(groups=str(error)) from None
    with transaction.atomic():
        held = {each.person.username.casefold(): each for each in memberships.members_of(application)}
        if {key: right for key, (_, right) in wanted.items()} == {key: each.right for key, each in held.items()}:
            return
        require_use_application(actor, application, Right.OWN)
        for key in held.keys() - wanted.keys():
            _remove(held[key], actor, now)
        for key, (name, right) in wanted.items():
            if key not in held:
                try:
                    add_member(application=application, name=name, right=right, actor=actor, now=now)
                except (Conflict, Invalid) as refusal:
                    raise invalid(groups=str(refusal)) from None
            elif held[key].right != right:
                change_right(member=held[key], right=right, actor=actor, now=now)


def _remove(member: Membership, actor: User, now: datetime) -> None:
    ended = _end_beyond(member.person, member.application, Right.NONE, actor, now)
    record_change(member, "removed", actor=actor, now=now, **ended)
    news.sharing_ended(member, actor, now)
    member.delete()


def _end_beyond(person: User, application: Application, right: Right, actor: User, now: datetime) -> dict[str, int]:
    """End what somebody made of an application that they may no longer make; how many of each that was."""
    ended = {"tokens": 0, "secrets": 0}
    if right < Right.KEYS:
        made = AccessToken.objects.filter(application__application=application, maker__person=person)
        ended["tokens"] = made.count()
        with tokens.attributed(actor=actor, now=now):
            made.delete()
    if right < Right.MANAGE:
        further = ClientSecret.objects.filter(client__application=application, by=person)
        ended["secrets"] = further.count()
        further.delete()
        for client in OAuthClient.objects.select_for_update().filter(application=application, secret_by=person):
            client.client_secret, client.secret_by = tokens.random_token(), None
            client.save()
            record_change(client, "secret_ended", actor=actor, now=now)
            ended["secrets"] += 1
    return ended
