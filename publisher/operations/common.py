"""What the operations share: their refusals, and the guarded save of a design."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from core import rows
from core.errors import Conflict, DomainError, Invalid
from core.values import refuse
from publisher import design, merging, queries, ssrf
from publisher.addresses import Tenant, clash
from publisher.models import Api, Category, Plan

Shared = TypeVar("Shared", Plan, Category)
MOST_ENTRIES = 20
"""So far back the log is read for whoever changed a field."""
OWN_PARTS = design.PARTS.keys() | merging.RELATED


class AlreadyExists(Conflict):
    """Another API has this name, context or version. `fields` maps each clash to its sentence; `field` is the first."""

    CODES = {"name": 900250, "context": 900251, "version": 900252}

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields
        self.field = next(iter(fields))
        self.code = self.CODES[self.field]


class ChangedMeanwhile(Conflict):
    """The design was saved by somebody else after the person opened it; nothing has been written.

    `clashing` names the fields that both changed; it is empty where the save was guarded as a whole.
    """

    clashing: tuple[str, ...] = ()


class NotReadyToPublish(Invalid):
    """Something that a published API needs is missing. `missing` lists it; `fields` says what to do about each."""

    code = 903224
    SENTENCES = {
        "endpoint": "Give the endpoint that calls are passed on to.",
        "plans": "Choose at least one business plan that developers may subscribe under.",
    }

    def __init__(self, missing: list[str]) -> None:
        fields = {each: self.SENTENCES[each] for each in missing}
        super().__init__(f"The API cannot be published yet. {' '.join(fields.values())}", fields)
        self.missing = missing


def refuse_backends(urls: Mapping[str, Iterable[str]]) -> None:
    """Raise Invalid where the server's policy forbids one of a field's clean addresses. Outside any transaction."""
    refused = {field: [why for url in each if (why := ssrf.why_refused(url))] for field, each in urls.items()}
    refuse({field: " ".join(sentences) for field, sentences in refused.items() if sentences})


def why_in_the_way(context: str, version: str, *, key: object = None, since: datetime, older_only: bool = False) -> str:
    """Which API's addresses these would get into the way of, as a sentence; empty when none."""
    others = Api.objects.filter(created_at__lt=since) if older_only else Api.objects.all()
    other = clash(Tenant(key, "", context, version, since), queries.tenants(others))
    if other is None:
        return ""
    return (
        f"{other.name} answers at {other.addresses[-1]} and below. The two addresses would get into each other's way."
    )


def why_context_is_taken(context: str, version: str, *, key: object = None, since: datetime) -> str:
    """Which API has this context, or addresses in whose way it would get, as a sentence; empty when none."""
    holder = queries.holder_of_context(context)
    if holder and holder.pk != key:
        return f"{holder.name} answers at {holder.context} already. Choose another context."
    why = why_in_the_way(context, version, key=key, since=since)
    return f"{why} Choose another context." if why else ""


def lock(api: Api) -> Api:
    """A fresh row object, held until the transaction ends. Raises ApiNotFound when it was deleted meanwhile."""
    return rows.lock(api, gone=lambda: queries.ApiNotFound(f"{api} has been deleted meanwhile."))


def hold(wanted: Iterable[Shared], unknown: type[DomainError]) -> list[Shared]:
    """The rows, which nobody can delete until the transaction ends. Raises `unknown` for others."""
    rows_held = list(wanted)
    if not rows_held:
        return []
    held = type(rows_held[0])._default_manager.select_for_update(no_key=True)
    there = {row.pk for row in held.filter(pk__in=[row.pk for row in rows_held]).order_by("pk")}
    if gone := [row.name for row in rows_held if row.pk not in there]:
        raise unknown(names=", ".join(gone))
    return rows_held


def save_design(api: Api, changes: Mapping[str, Any], *, seen: datetime | None, now: datetime) -> Api:
    """Write `changes` unless the design was saved after `seen`; the fresh row."""
    unchanged = Api.objects.filter(pk=api.pk)
    if seen is not None:
        unchanged = unchanged.filter(updated_at=seen)
    if unchanged.update(**changes, updated_at=now) != 1:
        raise changed_meanwhile(lock(api))
    return lock(api)


def changed_meanwhile(api: Api, clashing: Sequence[str] = ()) -> ChangedMeanwhile:
    """The refusal of a save that would go over somebody else's, saying whose."""
    parts = {field.removesuffix("_url").removesuffix("_failover") for field in clashing}
    if parts and not parts & OWN_PARTS:
        parts.add("endpoint_options")  # the log names parts of the design, and these are fields of one
    entries = queries.changes_of(api).filter(verb__in=["api.created", "api.updated"])[:MOST_ENTRIES]
    last = next((entry for entry in entries if not parts or parts & set(entry.detail.get("fields", []))), None)
    who = last.actor_name if last else "Somebody"
    fields = clashing or (last.detail.get("fields", []) if last else [])
    what = ", ".join(fields).replace("_", " ")
    changed = f"changed the {what}" if what else "changed this API"
    refusal = ChangedMeanwhile(
        f"{who} {changed} after you opened it. What you typed is still here: save again to put it in its place."
    )
    refusal.clashing = tuple(clashing)
    return refusal
