"""What waits for a decision, of every kind: the page of the Administration and the REST API read this one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from accounts import operations as accounts
from accounts.models import User
from accounts.queries import waiting_sign_ups
from core.errors import NotFound
from devportal import queries
from devportal.models import Application, OAuthClient, Subscription
from devportal.operations.applications import decide_application
from devportal.operations.keys import decide_keys
from devportal.operations.subscriptions import set_subscription_state
from devportal.subscription_states import SubscriptionState
from publisher.lifecycle import RequestStatus
from publisher.models import LifecycleRequest
from publisher.operations import approve_request, reject_request
from publisher.queries import requests_of_lifecycles


class NothingWaits(NotFound):
    """Nothing of this name waits."""

    sentence = "Nothing waits under this reference. It may have been decided meanwhile."


class Waiting(NamedTuple):
    """One thing that waits: what it is called, what else helps to decide, and the same for programs."""

    pk: str
    at: datetime
    name: str
    note: str
    description: str


@dataclass(frozen=True)
class ApprovalQueue:
    """All that waits of one kind, the oldest first. `workflow` is WSO2's word for it."""

    workflow: str
    title: str
    rows: Callable[[User], QuerySet[Any]]
    about: Callable[[Any], Waiting]
    decide: Callable[..., object]


def decide(*, queue: str, pk: str, is_approved: bool, reason: str = "", actor: User, now: datetime) -> Waiting:
    """Approve or reject what waits in a queue, whose people are told the `reason`; returns what it was.

    Raises NothingWaits, and what the decision itself raises.
    """
    if queue not in QUEUES:
        raise NothingWaits
    kind = QUEUES[queue]
    try:
        row = kind.rows(actor).filter(pk=pk).first()
    except (ValidationError, ValueError):  # no id at all
        row = None
    if row is None:
        raise NothingWaits
    kind.decide(row, is_approved, reason, actor=actor, now=now)
    return kind.about(row)


def _decide_account(user: User, is_approved: bool, reason: str, **by: Any) -> None:
    if is_approved:  # a rejection says why, an approval needs no reason
        accounts.approve_sign_up(user=user, **by)
    else:
        accounts.reject_sign_up(user=user, reason=reason, **by)


def _decide_subscription(row: Subscription, is_approved: bool, reason: str, **by: Any) -> None:
    state = SubscriptionState.UNBLOCKED if is_approved else SubscriptionState.REJECTED
    set_subscription_state(subscription=row, state=state, reason=reason, **by)


def _decide_step(row: LifecycleRequest, is_approved: bool, reason: str, **by: Any) -> None:
    if is_approved:
        approve_request(request=row, **by)
    else:
        reject_request(request=row, reason=reason, **by)


QUEUES = {
    "accounts": ApprovalQueue(
        "AM_USER_SIGNUP",
        "Accounts",
        waiting_sign_ups,
        lambda user: Waiting(
            str(user.pk), user.date_joined, user.username, user.email, f"{user.username} wants an account."
        ),
        _decide_account,
    ),
    "applications": ApprovalQueue(
        "AM_APPLICATION_CREATION",
        "Applications",
        lambda _: queries.waiting_applications(),
        lambda row: Waiting(
            str(row.pk),
            row.created_at,
            row.name,
            row.owner.display_name,
            f"Application {row.name} of {row.owner.username}.",
        ),
        lambda row, is_approved, reason, **by: decide_application(
            application=row, is_approved=is_approved, reason=reason, **by
        ),
    ),
    "keys": ApprovalQueue(
        "AM_APPLICATION_REGISTRATION_PRODUCTION",
        "Production keys",
        lambda _: (
            OAuthClient.objects.filter(approval=Application.Approval.WAITING)
            .select_related("application__owner")
            .order_by("created")
        ),
        lambda row: Waiting(
            str(row.pk),
            row.created,
            f"{row.get_key_type_display()} keys of {row.application.name}",
            row.application.owner.display_name,
            f"{row.get_key_type_display()} keys of application {row.application.name} of "
            f"{row.application.owner.username}.",
        ),
        lambda row, is_approved, reason, **by: decide_keys(client=row, is_approved=is_approved, reason=reason, **by),
    ),
    "subscriptions": ApprovalQueue(
        "AM_SUBSCRIPTION_CREATION",
        "Subscriptions",
        queries.waiting_subscriptions,
        lambda row: Waiting(str(row.pk), row.created_at, str(row), str(row.plan), f"{row} under {row.plan.name}."),
        _decide_subscription,
    ),
    "steps": ApprovalQueue(
        "AM_API_STATE",
        "Steps in the lives of APIs",
        lambda _: requests_of_lifecycles(RequestStatus.PENDING),
        lambda row: Waiting(
            str(row.pk),
            row.created_at,
            str(row),
            row.requester.display_name,
            f"{row}, asked for by {row.requester.username}.",
        ),
        _decide_step,
    ),
}
"""In the order in which the page shows them, by the word in their addresses."""
