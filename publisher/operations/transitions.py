"""The one operation that moves an API through its life."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from core.audit import record_change
from core.errors import Conflict
from publisher import permissions, queries, signals
from publisher.lifecycle import DEPLOYING, NO_CHECKS, UNDEPLOYING, Action, Checklist, RequestStatus, State, next_state
from publisher.models import Api, LifecycleRequest
from publisher.operations.common import NotReadyToPublish, lock
from publisher.operations.deployments import add_revision, put_on_gateway, take_off_gateway


class TransitionLost(Conflict):
    """Somebody else moved the API between the person's look and their click; nothing has been written."""


@transaction.atomic
def transition_api(
    *,
    api: Api,
    action: Action,
    checklist: Checklist = NO_CHECKS,
    seen: State | None = None,
    requested_by: str = "",
    actor: User,
    now: datetime,
) -> Api:
    """Take `action` from the state `seen`: the one that the person had before their eyes when they chose it.

    None means the state in `api`; `requested_by` is the name of who asked for what the actor approves. The check items
    count for Publish only. Publishing deploys a first revision when none is deployed; demoting and retiring undeploy.
    Raises RoleRequired, TransitionRefused, AlreadyThere, TransitionLost, NotReadyToPublish, CannotDeploy.
    """
    permissions.require_publish(actor, api)
    source = seen or api.stage
    if source is not api.stage:
        raise transition_lost(api, source)
    target = next_state(source, action)
    published = {"published_at": now} if action is Action.PUBLISH else {}
    if Api.objects.filter(pk=api.pk, state=source.value).update(state=target.value, **published) != 1:
        raise transition_lost(lock(api), source)
    row = lock(api)
    refuse_unready(row, action)
    if action in DEPLOYING and row.deployed_revision_id is None:
        row = put_on_gateway(row, add_revision(row, "", actor=actor, now=now), actor=actor, now=now)
    if action in UNDEPLOYING and row.deployed_revision_id is not None:
        row = take_off_gateway(row, actor=actor, now=now)
    states = {"from": source.value, "to": target.value}
    asked = {"requested_by": requested_by} if requested_by else {}
    record_change(row, "transitioned", actor=actor, now=now, action=action.value, **states, **asked)
    LifecycleRequest.objects.filter(api=row, status=RequestStatus.PENDING.value).update(
        status=RequestStatus.WITHDRAWN.value, decided_by=actor, decided_at=now
    )
    older = queries.older_versions_of(row) if action is Action.PUBLISH else []
    if action is Action.PUBLISH:
        _carry_on_from_older_versions(row, older, checklist, actor=actor, now=now)
    signals.api_moved.send(sender=Api, api=row, action=action, actor=actor, now=now, previous=older)
    return row


def transition_lost(api: Api, seen: State) -> TransitionLost:
    """The refusal of a step that was chosen before somebody else took one."""
    return TransitionLost(
        f"{api} is {api.stage.label} by now; you saw it {seen.label}. Nothing was done: look at what is possible now, "
        "and decide again."
    )


def refuse_unready(row: Api, action: Action) -> None:
    """Raise NotReadyToPublish where the step makes the API callable, and something for that is missing."""
    there = {"endpoint": row.has_backend, "plans": row.plans.exists()}
    if action in DEPLOYING and (missing := [name for name, is_there in there.items() if not is_there]):
        raise NotReadyToPublish(missing)


def _carry_on_from_older_versions(
    row: Api, older: list[Api], checklist: Checklist, *, actor: User, now: datetime
) -> None:
    signals.api_published.send(
        sender=Api,
        api=row,
        actor=actor,
        now=now,
        require_resubscription=checklist.require_resubscription,
        previous=older,
    )
    if checklist.deprecate_old_versions:
        for each in older:
            if each.stage is State.PUBLISHED:
                transition_api(api=each, action=Action.DEPRECATE, actor=actor, now=now)
