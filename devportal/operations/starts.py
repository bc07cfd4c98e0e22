"""Try it: all that is missing between a developer and a connection is made in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.errors import Conflict
from core.text import listed
from devportal import queries
from devportal.models import Application, KeyType, OAuthClient, Subscription
from devportal.operations.applications import create_application
from devportal.operations.keys import generate_keys
from devportal.operations.subscriptions import subscribe
from devportal.permissions import can_pick_plan, require_develop
from devportal.subscription_states import SubscriptionState
from publisher import snapshots
from publisher.models import Api, Plan
from publisher.queries import plans_of

NAME = "Try it"


class NoPlanToStart(Conflict):
    """The API is offered under no plan that the person may pick."""


@dataclass(frozen=True)
class Start:
    """What somebody connects with, and what of it was `made` for them just now, in words.

    There is no `client` yet where the application, or its keys, wait for an administrator.
    """

    subscription: Subscription
    client: OAuthClient | None
    made: tuple[str, ...]

    def __str__(self) -> str:
        about = {"application": self.subscription.application, "made": listed(self.made)}
        if not self.made:
            return _("%(application)s had all that is needed; nothing was made.") % about
        sentence = _("Made for you: %(made)s.")
        if self.subscription.application.reason:
            sentence = _(
                "Made for you: %(made)s. "
                "You get keys, and are told, as soon as an administrator approves the application."
            )
        elif self.client is None:
            sentence = _(
                "Made for you: %(made)s. They work, and you are told, as soon as an administrator approves the keys."
            )
        elif self.subscription.state == SubscriptionState.ON_HOLD:
            sentence = _("Made for you: %(made)s. It works as soon as the publisher approves it.")
        return sentence % about


@transaction.atomic
def start(*, api: Api, actor: User, now: datetime, attributes: Mapping[str, str] | None = None) -> Start:
    """Give the developer what is missing to connect to `api`: an application, a subscription and keys.

    An application that is subscribed is used; else the one called “Try it”, so that what somebody tries is kept apart
    from what they run. The plan is the one that the publisher marked, see `plan_to_start`. Done twice, the second makes
    nothing. What administrators ask of each application is in `attributes`, and needed where one is made. Raises
    RoleRequired, Invalid (attributes), NoPlanToStart, and what `create_application` and `subscribe` raise.
    """
    require_develop(actor)
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)  # a double click finds what the first has made
    made = []
    mine = (each for each in queries.subscriptions_to_try(actor, api) if each.application.owner_id == actor.pk)
    subscription = next(mine, None)
    if subscription is None:
        application = application_to_try(actor)
        if application is None:
            about = _("Made by Try it. Rename it as you like.")
            application = create_application(
                name=NAME, description=about, attributes=attributes or {}, actor=actor, now=now
            )
            made.append(_("the application “%(name)s”") % {"name": NAME})
        plan = plan_to_start(api, actor)
        subscription = subscribe(application=application, api=api, plan=plan, actor=actor, now=now)
        made.append(_("a subscription under %(plan)s") % {"plan": plan})
    if subscription.application.approval != Application.Approval.APPROVED:
        return Start(subscription, None, tuple(made))
    there = snapshots.key_types_served(api) or KeyType.values
    keys = {each.key_type: each for each in subscription.application.clients.all()}
    client = next((keys[each] for each in there if each in keys), None)
    if client is None:
        key_type = KeyType(there[0])
        client = generate_keys(application=subscription.application, key_type=key_type, actor=actor, now=now).client
        made.append(key_type.keys)
    return Start(subscription, None if client.reason else client, tuple(made))


def application_to_try(owner: User) -> Application | None:
    """The application that Try it made for somebody, if it has."""
    return Application.objects.filter(owner=owner, is_internal=False, name_key=NAME.lower()).first()


def plan_to_start(api: Api, viewer: User) -> Plan:
    """The plan of who chooses none: the one that the publisher marked, else the first that is free and needs no
    approval, else the first that the person may pick. Raises NoPlanToStart."""
    allowed = [plan for plan in plans_of(api) if can_pick_plan(viewer, plan)]
    if not allowed:
        sentence = _("%(api)s is offered under no plan that is open to you. Ask its publisher.")
        raise NoPlanToStart(sentence % {"api": api})
    ranks = {plan: (plan.name != api.first_plan, plan.requires_approval, plan.billing != "FREE") for plan in allowed}
    return min(allowed, key=lambda plan: ranks[plan])
