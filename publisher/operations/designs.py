"""Create, copy, change and delete a design; one module, for all of them take the same lock and keep the same names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict, Invalid
from core.values import clean, refuse
from publisher import design, merging, permissions, presentation, queries, secret_options, signals, validation
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.lifecycle import SUBSCRIBABLE, Action
from publisher.models import Api, Category, Plan, Thumbnail
from publisher.operations.common import (
    AlreadyExists,
    NotReadyToPublish,
    changed_meanwhile,
    hold,
    lock,
    refuse_backends,
    save_design,
    why_context_is_taken,
    why_in_the_way,
)
from publisher.operations.documents import copy_documents
from publisher.operations.requests import move_api
from publisher.operations.scopes import copy_scopes

FOR_CREATION = {
    **design.NAMES,
    **design.PARTS,
    "endpoint": lambda url: validation.clean_endpoint_url(url) if url.strip() else "",
}
FOR_CHANGE = {**design.PARTS, **dict.fromkeys(merging.RELATED, list)}
OF_PLANS = frozenset({"plans", "first_plan"})
"""What acts on subscribers, and so asks for another right than the design does."""
UNIQUE = frozenset({"context", "is_default_version"})
"""What is unique across APIs or versions."""


class ContextIsFixed(Conflict):
    """The context belongs to several versions or to a revision, so it cannot change any more."""


class PlansNeeded(Invalid):
    """An API that may be subscribed to keeps at least one plan."""

    code = 903224


def create_api(
    *,
    name: str,
    context: str,
    version: str,
    endpoint: str = "",
    plans: Sequence[Plan] = (),
    categories: Sequence[Category] = (),
    publish: bool = False,
    actor: User,
    now: datetime,
    **parts: Any,
) -> Api:
    """Design a new WebSocket API; with `publish`, deploy its first revision and publish it too, or ask for that.

    `endpoint` serves production and sandbox keys alike; `parts` are any others of `publisher.design.PARTS`, such as
    `production` and `sandbox` in its place. Raises RoleRequired, Invalid (by field), AlreadyExists, and with `publish`
    NotReadyToPublish.
    """
    permissions.require_create(actor)
    if publish:
        permissions.require_publish(actor)
    given = {"name": name, "context": context, "version": version, "endpoint": endpoint, **parts}
    values = {"endpoint_options": EndpointOptions().to_document(), **design.read(given, FOR_CREATION)}
    url = values.pop("endpoint")
    _refuse_nobody(Api(**values))
    values["endpoint_options"] = secret_options.sealed(values["endpoint_options"], {})
    if url:
        values["production"] = values["sandbox"] = Endpoint(url).to_document()
    ready = {"endpoint": Api(**values).has_backend, "plans": plans}
    if publish and (missing := [name for name, given in ready.items() if not given]):
        raise NotReadyToPublish(missing)
    refuse_backends({"endpoint": [url]} if url else design.backends(values))
    with transaction.atomic():
        _one_at_a_time()
        clashes = {}
        if holder := queries.holder_of_name(values["name"]):
            ways = "Choose another name, or open it and make a new version."
            clashes["name"] = f"There is an API called {holder.name} already. {ways}"
        if why := why_context_is_taken(values["context"], values["version"], since=now):
            clashes["context"] = why
        if clashes:
            raise AlreadyExists(clashes)
        api = _insert(Api(**values), provider=actor, plans=plans, categories=categories, now=now)
        record_change(api, "created", actor=actor, now=now, context=api.context)
        if publish:
            move_api(api=api, action=Action.PUBLISH, actor=actor, now=now)
            api = lock(api)
        return api


def create_version(
    *,
    api: Api,
    version: str,
    make_default: bool = False,
    parts: Mapping[str, Any] | None = None,
    plans: Iterable[Plan] | None = None,
    actor: User,
    now: datetime,
) -> Api:
    """Copy the design under a new version, in state Created. `parts`, which are clean, and `plans` are otherwise.

    Raises RoleRequired, Invalid, AlreadyExists (version).
    """
    permissions.require_version(actor, api)
    number = clean({"version": version}, design.NAMES)["version"]
    others = dict(parts or {})
    refuse_backends(design.backends(others))
    if "endpoint_options" in others:
        others["endpoint_options"] = secret_options.sealed(others["endpoint_options"], api.endpoint_options)
    with transaction.atomic():
        return _copy(api, number, make_default, others, plans, actor=actor, now=now)


def _copy(
    api: Api,
    number: str,
    make_default: bool,
    parts: Mapping[str, Any],
    plans: Iterable[Plan] | None,
    *,
    actor: User,
    now: datetime,
) -> Api:
    _one_at_a_time()
    source = lock(api)
    if any(each.version.lower() == number.lower() for each in queries.versions_of(source)):
        raise AlreadyExists({"version": f"{source.name} {number} exists already. Choose another version."})
    if why := why_in_the_way(source.context, number, since=now):
        raise AlreadyExists({"version": f"{why} Choose another version."})
    fields = {field: getattr(source, field) for field in design.COPIED} | dict(parts)
    offered, categories = source.plans.all() if plans is None else plans, source.categories.all()
    copy = _insert(Api(**fields, version=number), provider=actor, plans=offered, categories=categories, now=now)
    pictures = Thumbnail.objects.filter(api=source)
    Thumbnail.objects.bulk_create(Thumbnail(api=copy, image=kept.image) for kept in pictures)
    copy_documents(source=source, copy=copy)
    copy_scopes(source=source, copy=copy)
    record_change(copy, "created", actor=actor, now=now, context=copy.context, copied_from=source.version)
    if make_default:
        return update_api(api=copy, changes={"is_default_version": True}, actor=actor, now=now)
    return copy


def update_api(
    *,
    api: Api,
    changes: Mapping[str, Any],
    successors: Mapping[Plan, Plan] | None = None,
    seen: datetime | None = None,
    base: Mapping[str, str] | None = None,
    actor: User,
    now: datetime,
) -> Api:
    """Change the design, or the part of it that `changes` holds: any of `publisher.design.PARTS`, `plans` and
    `categories`.

    What is sent as it is asks for no right and is not written; where nothing differs, nothing is recorded. Plans act at
    once, all else when a revision is deployed. Who is subscribed keeps the plan they have, unless `successors` names
    the plan that takes its place. The context may change before the first revision. Addresses that are new are looked
    up, so call this outside any transaction where there may be such.

    `base`, what `queries.base_of` said when the page was drawn, takes the place of `seen`: fields that this person left
    as they were stay as others have made them; only a field that both changed, to different values, is a conflict.

    Raises RoleRequired, Invalid (by field), PlansNeeded, ContextIsFixed, AlreadyExists (context), ChangedMeanwhile.
    """
    if not permissions.can_set_plans(actor, api):
        permissions.require_edit(actor, api)
    values = design.read(changes, FOR_CHANGE)
    entered: set[tuple[str, str]] = set()
    # What holds something else than when the page was drawn.
    mine = {name for name, each in merging.fields_of(values).items() if (base or {}).get(name) != merging.digest(each)}
    if "endpoint_options" in values:
        options = values["endpoint_options"]
        if base is not None:
            stored = {**EndpointOptions().to_document(), **secret_options.hidden(api.endpoint_options)}
            options |= {name: stored[name] for name in merging.SECRETS if name not in mine}
        entered = secret_options.typed(options)
        values["endpoint_options"] = secret_options.sealed(options, api.endpoint_options)
    differing = _differing(api, values if base is None else _merged(api, values, mine, base))
    if differing.keys() - OF_PLANS:
        permissions.require_edit(actor, api)
    if differing.keys() & OF_PLANS or successors:
        permissions.require_set_plans(actor, api)
    refuse_backends(design.backends(differing))
    with transaction.atomic():
        if UNIQUE & differing.keys():
            _one_at_a_time()
        row = lock(api)
        if base is not None:
            differing = _merged(row, {part: values[part] for part in differing}, mine, base)
            seen = row.updated_at
        there = {part: getattr(row, part) for part in ("production", "sandbox", "endpoint_options")}
        secret_options.refuse_elsewhere(there, {**there, **differing}, entered)
        saved = _change(row, differing, seen=seen, actor=actor, now=now)
        for plan, successor in (successors or {}).items():
            signals.plan_replaced.send(sender=Api, api=saved, plan=plan, successor=successor, actor=actor, now=now)
        return saved


@transaction.atomic
def delete_api(*, api: Api, actor: User, now: datetime) -> None:
    """Delete the API with its revisions and subscriptions; its sockets are closed. Raises RoleRequired."""
    row = lock(api)
    permissions.require_delete(actor, row)
    record_change(row, "deleted", actor=actor, now=now, context=row.context)
    Api.objects.filter(pk=row.pk).update(deployed_revision=None)
    Api.objects.get(pk=row.pk).delete()


def _merged(row: Api, values: Mapping[str, Any], mine: set[str], base: Mapping[str, str]) -> dict[str, Any]:
    """The clean values, with what is stored in place of every field that is not `mine`. Raises ChangedMeanwhile."""
    present = queries.design_of(row, values)
    sent, stored = (merging.fields_of(each) for each in (values, present))
    if clashing := merging.conflicts(sent, stored, mine, base):
        raise changed_meanwhile(row, clashing)
    fields = {name: sent[name] if name in mine else stored[name] for name in sent}
    merged = merging.parts_of(fields, values)
    for part in merged.keys() & merging.RELATED:
        merged[part] = (values if part in mine else present)[part]
    documents = {part: merged[part] for part in merged.keys() & merging.DOCUMENTS.keys()}
    if options := documents.get("endpoint_options"):
        documents["endpoint_options"] = secret_options.hidden(options)
    together = design.read(documents, design.PARTS)
    if options:
        together["endpoint_options"] = secret_options.sealed(together["endpoint_options"], options)
    return {**merged, **together}


def _differing(api: Api, values: Mapping[str, Any]) -> dict[str, Any]:
    """What of clean `values` is otherwise in the row."""
    present = queries.design_of(api, values)
    for part in values.keys() & merging.RELATED:
        if set(values[part]) == set(present[part]):
            present[part] = values[part]
    return {part: value for part, value in values.items() if value != present[part]}


def _change(row: Api, values: Mapping[str, Any], *, seen: datetime | None, actor: User, now: datetime) -> Api:
    """Write what differs from the locked row, in one go and with one entry in the audit log."""
    changed = _differing(row, values)
    if not changed:
        return row
    if (context := changed.get("context")) and not queries.context_is_open(row):
        raise ContextIsFixed(
            f"The context stays {row.context}: it belongs to the API's revisions and versions. Create a new API for "
            f"{context}."
        )
    if context and (why := why_context_is_taken(context, row.version, key=row.pk, since=row.created_at)):
        raise AlreadyExists({"context": why})
    if not changed.get("plans", True) and row.stage in SUBSCRIBABLE:
        sentence = f"An API that is {row.stage.label} keeps at least one plan. Choose one, or demote the API first."
        raise PlansNeeded(sentence, {"plans": sentence})
    columns = {part: changed[part] for part in changed.keys() - merging.RELATED}
    for part, value in columns.items():
        setattr(row, part, value)
    _refuse_nobody(row)
    if changed.get("is_default_version"):
        for other in queries.versions_of(row):
            if other.is_default_version and other.pk != row.pk:
                _change(other, {"is_default_version": False}, seen=None, actor=actor, now=now)
    saved = save_design(row, columns, seen=seen, now=now)
    detail: dict[str, Any] = {"fields": sorted(changed)}
    if "plans" in changed:
        saved.plans.set(hold(changed["plans"], queries.UnknownPlan))
        detail["plans"] = sorted(plan.name for plan in changed["plans"])
    if "categories" in changed:
        saved.categories.set(hold(changed["categories"], queries.UnknownCategory))
    record_change(saved, "updated", actor=actor, now=now, **detail)
    return saved


def _refuse_nobody(api: Api) -> None:
    audience = (api.visibility, api.visible_roles, api.access_control, api.access_control_roles)
    refuse(presentation.why_nobody(*audience))


def _insert(api: Api, *, provider: User, plans: Iterable[Plan], categories: Iterable[Category], now: datetime) -> Api:
    api.provider, api.created_at, api.updated_at = provider, now, now
    rows.save(api, taken=lambda: AlreadyExists({"version": f"{api} exists already. Choose another version."}))
    api.plans.set(hold(plans, queries.UnknownPlan))
    api.categories.set(hold(categories, queries.UnknownCategory))
    return api


def _one_at_a_time() -> None:
    """Let one transaction at a time change what is unique across versions: names, contexts and the default version.

    Call it before any row is locked, so that two of them cannot wait for each other. SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('publisher.versions'))")
