"""Operations on revisions: record the design, put a revision on the gateway, take it off, go back to one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from accounts.models import User
from core.audit import record_change
from core.errors import Conflict
from core.values import invalid
from publisher import permissions, queries, runtime, signals, snapshots
from publisher.asyncapi.changes import changes
from publisher.lifecycle import State
from publisher.models import Api, DeployedChange, Revision
from publisher.operations.common import lock, save_design, why_in_the_way

DESCRIPTION_LENGTH = 255
MOST_CHANGES_KEPT = 50
"""Deployments of an API whose changes developers can read, the newest."""
RESTORED = (
    *("production", "sandbox", "endpoint_options", "topics", "definition", "origins", "query_token"),
    *("mock", *runtime.WORDS),
)


class AlreadyDeployed(Conflict):
    """This very revision is on the gateway."""


class NotDeployed(Conflict):
    """No revision is on the gateway, so none can be taken off."""


class CannotDeploy(Conflict):
    """The API is retired or in the way of an older one, the revision names no endpoint or is another API's."""


class RevisionInUse(Conflict):
    """The revision is on the gateway, so it cannot be deleted."""

    status = 400


@transaction.atomic
def create_revision(
    *, api: Api, description: str = "", goes: Revision | None = None, actor: User, now: datetime
) -> Revision:
    """Record the design as it is now.

    Where as many are kept as may be (`MOST_REVISIONS`), one `goes`: with None the oldest that is not deployed. Raises
    RoleRequired, Invalid (description), RevisionInUse, RevisionNotFound.
    """
    permissions.require_revise(actor, api)
    if len(description.strip()) > DESCRIPTION_LENGTH:
        sentence = f"A description of a revision has at most {DESCRIPTION_LENGTH} characters."
        raise invalid(description=sentence)
    return add_revision(lock(api), description.strip(), goes=goes, actor=actor, now=now)


@transaction.atomic
def delete_revision(*, api: Api, revision: Revision, actor: User, now: datetime) -> None:
    """Forget a revision for good. Raises RoleRequired, RevisionInUse, RevisionNotFound."""
    permissions.require_revise(actor, api)
    _remove(lock(api), revision, actor=actor, now=now)


@transaction.atomic
def deploy_revision(
    *,
    api: Api,
    revision: Revision | None = None,
    description: str = "",
    goes: Revision | None = None,
    actor: User,
    now: datetime,
) -> Api:
    """Let the gateway serve this revision, or with None a new one of the design; open connections stay.

    `description` is for the new revision, and so is `goes`, as in `create_revision`. Raises RoleRequired, Invalid
    (description), CannotDeploy, and AlreadyDeployed also where a new revision would be no other than the deployed one.
    """
    permissions.require_deploy(actor, api)
    row = lock(api)
    if revision is None and row.deployed_revision and not snapshots.differences(row):
        number = row.deployed_revision.number
        raise AlreadyDeployed(f"Nothing differs from revision {number}, which is deployed already.")
    chosen = revision or create_revision(api=row, description=description, goes=goes, actor=actor, now=now)
    _check_own(row, chosen)
    if row.deployed_revision_id == chosen.pk:
        raise AlreadyDeployed(f"Revision {chosen.number} is deployed already.")
    return put_on_gateway(row, chosen, actor=actor, now=now)


@transaction.atomic
def undeploy(*, api: Api, actor: User, now: datetime) -> Api:
    """Take the API off the gateway; its connections are closed. Raises RoleRequired, NotDeployed."""
    permissions.require_deploy(actor, api)
    row = lock(api)
    if row.deployed_revision is None:
        raise NotDeployed(f"{row} is not deployed.")
    return take_off_gateway(row, actor=actor, now=now)


@transaction.atomic
def restore_revision(*, api: Api, revision: Revision, actor: User, now: datetime) -> Api:
    """Make the revision's endpoint and topics the design again. Plans stay: they act at once, not by deployment.

    The gateway goes on serving what is deployed. Raises RoleRequired, CannotDeploy.
    """
    permissions.require_edit(actor, api)
    _check_own(api, revision)
    recorded = snapshots.filled(revision.snapshot)
    changes = {field: recorded[field] for field in RESTORED if field in recorded}
    row = save_design(lock(api), changes, seen=None, now=now)
    record_change(row, "updated", actor=actor, now=now, fields=list(RESTORED), restored_revision=revision.number)
    return row


def like_design(api: Api, revisions: Iterable[Revision]) -> list[Revision]:
    """Those of the revisions whose restoration would change nothing."""
    now = snapshots.take(api)
    recorded = [(each, snapshots.filled(each.snapshot)) for each in revisions]
    return [each for each, then in recorded if all(now[field] == then.get(field, now[field]) for field in RESTORED)]


def add_revision(row: Api, description: str, *, goes: Revision | None = None, actor: User, now: datetime) -> Revision:
    """The next revision of a locked row, in place of one that `goes` where there is no room."""
    if full := queries.who_goes(row):
        _remove(row, goes or full[0], actor=actor, now=now)
    number = queries.next_revision_number(row)
    Api.objects.filter(pk=row.pk).update(revisions_made=number)
    revision = Revision.objects.create(
        api=row,
        number=number,
        description=description,
        snapshot=snapshots.take(row),
        breaking=snapshots.breaking(row),
        created_by=actor,
        created_at=now,
    )
    about = {"revision_id": str(revision.pk), "revision": revision.number}
    record_change(row, "revision_created", actor=actor, now=now, **about)
    return revision


def put_on_gateway(row: Api, revision: Revision, *, actor: User, now: datetime) -> Api:
    """Deploy a revision of a locked row, whoever asks."""
    if row.stage is State.RETIRED:
        raise CannotDeploy(f"{row} is retired and cannot be deployed again. Make a new version of it.")
    snapshot = revision.snapshot
    if not (snapshot["production"] or snapshot["sandbox"] or snapshot.get("mock", {}).get("is_on")):
        raise CannotDeploy(f"Revision {revision.number} names no endpoint. Give the API one and make a new revision.")
    place = (revision.snapshot["context"], revision.snapshot["version"])
    if why := why_in_the_way(*place, key=row.pk, since=row.created_at, older_only=True):
        raise CannotDeploy(f"{row} cannot be deployed. {why} Create it anew under another context.")
    before = queries.last_deployed(row)
    Api.objects.filter(pk=row.pk).update(deployed_revision=revision, deployed_at=now)
    about = {"revision_id": str(revision.pk), "revision": revision.number}
    record_change(row, "deployed", actor=actor, now=now, **about)
    if before and before.pk != revision.pk:
        _note_changes(row, before, revision, actor=actor, now=now)
    return lock(row)


def take_off_gateway(row: Api, *, actor: User, now: datetime) -> Api:
    """Undeploy a locked row that is deployed, whoever asks."""
    number = row.deployed_revision.number if row.deployed_revision else None
    Api.objects.filter(pk=row.pk).update(deployed_revision=None, deployed_at=None)
    record_change(row, "undeployed", actor=actor, now=now, revision=number)
    return lock(row)


def _note_changes(row: Api, before: Revision, after: Revision, *, actor: User, now: datetime) -> None:
    """Keep for developers what differs from what was served before, and have those told whose clients it breaks."""
    differing = changes(before.snapshot["topics"], after.snapshot["topics"])
    broken = snapshots.breaking_between(before.snapshot, after.snapshot)
    if not (differing or broken):
        return
    change = DeployedChange.objects.create(
        api=row,
        before=before.number,
        revision=after.number,
        description=after.description,
        changes=[asdict(each) for each in differing[:MOST_CHANGES_KEPT]],
        breaking=broken,
        at=now,
    )
    surplus = row.deployed_changes.order_by("-at", "-pk").values_list("pk", flat=True)[MOST_CHANGES_KEPT:]
    DeployedChange.objects.filter(pk__in=list(surplus)).delete()
    if broken:
        signals.clients_broken.send(sender=Api, api=row, change=change, actor=actor, now=now)


def _remove(row: Api, revision: Revision, *, actor: User, now: datetime) -> None:
    _check_own(row, revision)
    if row.deployed_revision_id == revision.pk:
        raise RevisionInUse(f"Revision {revision.number} is on the gateway. Deploy another one or undeploy it first.")
    Api.objects.filter(pk=row.pk).update(revisions_made=queries.next_revision_number(row) - 1)
    if not row.revisions.filter(pk=revision.pk).delete()[0]:
        raise queries.RevisionNotFound(f"Revision {revision.number} has been deleted meanwhile.")
    record_change(row, "revision_deleted", actor=actor, now=now, revision=revision.number)


def _check_own(api: Api, revision: Revision) -> None:
    if revision.api_id != api.pk:
        raise CannotDeploy(f"Revision {revision.number} belongs to another API.")
