"""Steps of an API's life that an administrator has to approve: ask for one, take it back, approve or reject it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts import installation
from accounts.models import User
from accounts.notification_kinds import NotificationKind
from accounts.operations import notify
from accounts.roles import Role
from core.audit import record_change
from core.errors import Conflict
from core.rows import lock as lock_row
from core.sentences import Sentence
from core.translating import gettext_noop
from core.values import invalid
from publisher import permissions, queries
from publisher.lifecycle import (
    LONGEST_REASON,
    NO_CHECKS,
    Action,
    Checklist,
    RequestStatus,
    State,
    next_state,
)
from publisher.models import Api, LifecycleRequest
from publisher.operations.common import lock
from publisher.operations.transitions import refuse_unready, transition_api, transition_lost


class AlreadyRequested(Conflict):
    """A step of this API waits for approval already."""


class NothingRequested(Conflict):
    """The request has been decided or taken back meanwhile."""


def asks_for_approval(action: Action, actor: User) -> bool:
    """Whether this person's step has to be approved: those who approve need nobody's approval."""
    wanted = settings.LIFECYCLE_APPROVAL | set(installation.current().approve_steps)
    return action in wanted and not permissions.can_approve(actor)


@transaction.atomic
def move_api(
    *,
    api: Api,
    action: Action,
    checklist: Checklist = NO_CHECKS,
    seen: State | None = None,
    actor: User,
    now: datetime,
) -> LifecycleRequest | None:
    """Take a step as `transition_api` does, or ask for it where it has to be approved: then the request.

    Raises what `transition_api` raises, and AlreadyRequested.
    """
    if not asks_for_approval(action, actor):
        transition_api(api=api, action=action, checklist=checklist, seen=seen, actor=actor, now=now)
        return None
    permissions.require_publish(actor, api)
    row = lock(api)
    if seen and seen is not row.stage:
        raise transition_lost(row, seen)
    next_state(row.stage, action)
    refuse_unready(row, action)
    if pending := queries.pending_request_of(row):
        raise AlreadyRequested(
            f"{pending.requester.display_name} has asked for {pending.action} already, and it waits for approval."
        )
    made = LifecycleRequest.objects.create(
        api=row,
        action=action.value,
        state=row.state,
        checklist=asdict(checklist),
        requester=actor,
        created_at=now,
    )
    record_change(row, "transition_requested", actor=actor, now=now, action=action.value)
    notify(
        people=User.objects.filter(role_grants__role=Role.ADMIN, is_active=True).distinct(),
        kind=NotificationKind.APPROVALS,
        sentence=Sentence(
            gettext_noop("%(person)s asks for %(action)s of %(api)s. It waits for your decision."),
            person=actor.display_name,
            action=str(action),
            api=row,
        ),
        link=reverse("publisher-admin:lifecycle-requests"),
        now=now,
    )
    return made


@transaction.atomic
def approve_request(*, request: LifecycleRequest, actor: User, now: datetime) -> Api:
    """Take the step that was asked for. Raises RoleRequired, NothingRequested, and what `transition_api` raises."""
    permissions.require_approve(actor)
    row = _held(request)
    _decide(row, RequestStatus.APPROVED, "", actor=actor, now=now)
    return transition_api(
        api=row.api,
        action=Action(row.action),
        checklist=Checklist(**row.checklist),
        seen=State(row.state),
        requested_by=row.requester.username,
        actor=actor,
        now=now,
    )


@transaction.atomic
def reject_request(*, request: LifecycleRequest, reason: str, actor: User, now: datetime) -> None:
    """Leave the API as it is, and say why. Raises RoleRequired, NothingRequested, Invalid (reason)."""
    permissions.require_approve(actor)
    said = reason.strip()
    if not said:
        raise invalid(reason="Say why, so that whoever asked knows what to do.")
    if len(said) > LONGEST_REASON:
        raise invalid(reason=f"A reason has at most {LONGEST_REASON} characters; this one has {len(said)}.")
    row = _held(request)
    _decide(row, RequestStatus.REJECTED, said, actor=actor, now=now)
    record_change(row.api, "transition_rejected", actor=actor, now=now, action=row.action, reason=said)


@transaction.atomic
def withdraw_request(*, api: Api, actor: User, now: datetime) -> None:
    """Take back what waits for approval. Raises RoleRequired, NothingRequested."""
    permissions.require_publish(actor, api)
    pending = queries.pending_request_of(api)
    if pending is None:
        raise NothingRequested(f"Nothing of {api} waits for approval.")
    row = _held(pending)
    _decide(row, RequestStatus.WITHDRAWN, "", actor=actor, now=now)
    record_change(row.api, "transition_withdrawn", actor=actor, now=now, action=row.action)


def _held(request: LifecycleRequest) -> LifecycleRequest:
    row = lock_row(request, gone=lambda: NothingRequested("This request is gone: its API was deleted."))
    if row.status != RequestStatus.PENDING:
        who = row.decided_by.display_name if row.decided_by else "Somebody"
        raise NothingRequested(f"This request is {row.status.lower()} already, by {who}.")
    return row


def _decide(row: LifecycleRequest, status: RequestStatus, reason: str, *, actor: User, now: datetime) -> None:
    row.status, row.reason, row.decided_by, row.decided_at = status.value, reason, actor, now
    row.save()
    if status is not RequestStatus.WITHDRAWN:
        said = {
            RequestStatus.APPROVED: gettext_noop("%(request)s was approved by %(person)s."),
            RequestStatus.REJECTED: gettext_noop("%(request)s was rejected by %(person)s: %(reason)s"),
        }[status]
        notify(
            people=[row.requester],
            kind=NotificationKind.APPROVALS,
            sentence=Sentence(said, request=row, person=actor.display_name, reason=reason),
            link=reverse("publisher:lifecycle", args=[row.api_id]),
            now=now,
        )
