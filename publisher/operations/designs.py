"""Operations on the design of an API: create, copy, change, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict, Invalid
from core.values import clean, refuse
from publisher import permissions, queries, signals, validation
from publisher.endpoint import Endpoint, EndpointOptions, read_endpoint, read_options
from publisher.lifecycle import SUBSCRIBABLE, Action
from publisher.models import Api, Plan
from publisher.operations.common import (
    AlreadyExists,
    NotReadyToPublish,
    hold,
    lock,
    refuse_backends,
    save_design,
)
from publisher.operations.transitions import transition_api
from publisher.origins import clean_origins

CLEANERS: dict[str, Callable[[Any], Any]] = {
    "name": validation.clean_name,
    "context": validation.clean_context,
    "version": validation.clean_version,
    "endpoint": lambda url: validation.clean_endpoint_url(url) if url.strip() else "",
    "description": validation.clean_description,
    "tags": validation.clean_tags,
    "is_default_version": bool,
}
CHANGEABLE = frozenset({"description", "tags", "is_default_version", "context"})


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
    publish: bool = False,
    description: str = "",
    tags: Iterable[str] = (),
    actor: User,
    now: datetime,
) -> Api:
    """Design a new WebSocket API; with `publish`, deploy its first revision and publish it too.

    The endpoint serves production and sandbox keys alike until the endpoint page says otherwise.
    Raises RoleRequired, Invalid (by field), AlreadyExists, and with `publish` NotReadyToPublish.
    """
    permissions.require_create(actor)
    if publish:
        permissions.require_publish(actor)
    given = {"name": name, "context": context, "version": version, "endpoint": endpoint}
    values = clean({**given, "description": description, "tags": list(tags)}, CLEANERS)
    url = values.pop("endpoint")
    if publish:
        _require(endpoint=url, plans=plans)
    refuse_backends({"endpoint": [url]})
    with transaction.atomic():
        _one_at_a_time()
        _refuse_clashes(values["name"], values["context"])
        document = Endpoint(url).to_document() if url else {}
        api = _insert(
            Api(**values, production=document, sandbox=document, endpoint_options=EndpointOptions().to_document()),
            provider=actor,
            plans=plans,
            now=now,
        )
        record_change(api, "created", actor=actor, now=now, context=api.context)
        return transition_api(api=api, action=Action.PUBLISH, actor=actor, now=now) if publish else api


@transaction.atomic
def create_version(*, api: Api, version: str, make_default: bool = False, actor: User, now: datetime) -> Api:
    """Copy the design under a new version, in state Created. Raises RoleRequired, Invalid, AlreadyExists (version)."""
    permissions.require_version(actor, api)
    number = clean({"version": version}, CLEANERS)["version"]
    _one_at_a_time()
    source = lock(api)
    if any(each.version.lower() == number.lower() for each in queries.versions_of(source)):
        raise AlreadyExists({"version": f"{source.name} {number} exists already. Choose another version."})
    copied = (
        *("name", "context", "description", "tags"),
        *("production", "sandbox", "endpoint_options", "topics", "origins", "query_token"),
    )
    fields = {field: getattr(source, field) for field in copied}
    copy = _insert(Api(**fields, version=number), provider=actor, plans=source.plans.all(), now=now)
    record_change(copy, "created", actor=actor, now=now, context=copy.context, copied_from=source.version)
    if make_default:
        return update_api(api=copy, changes={"is_default_version": True}, actor=actor, now=now)
    return copy


@transaction.atomic
def update_api(
    *, api: Api, changes: Mapping[str, Any], seen: datetime | None = None, actor: User, now: datetime
) -> Api:
    """Change description, tags, default version or, before the first revision, the context.

    Raises RoleRequired, Invalid (by field), ContextIsFixed, AlreadyExists (context), ChangedMeanwhile.
    """
    permissions.require_edit(actor, api)
    refuse({key: "This cannot be changed here." for key in changes if key not in CHANGEABLE})
    values = clean(changes, CLEANERS)
    if values.get("is_default_version") or "context" in values:
        _one_at_a_time()
    row = lock(api)
    changed = {key: value for key, value in values.items() if value != getattr(row, key)}
    if "context" in changed:
        _check_new_context(row, changed["context"])
    if changed.get("is_default_version"):
        _take_default_from_others(row, actor=actor, now=now)
    return _save(row, changed, seen=seen, actor=actor, now=now)


def save_endpoint(
    *,
    api: Api,
    production: Mapping[str, Any],
    sandbox: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    seen: datetime | None = None,
    actor: User,
    now: datetime,
) -> Api:
    """Replace the endpoint documents (empty: no such endpoint) and, unless None, the advanced configuration.

    Nothing changes on the gateway until a revision is deployed. Raises RoleRequired, ChangedMeanwhile and Invalid with
    the fields `production_url`, `production_failover`, `sandbox_url`, `sandbox_failover` and the options' names.
    """
    permissions.require_edit(actor, api)
    values = _endpoint_values(production, sandbox, options)
    refuse_backends(
        {
            f"{key}_{part}": urls
            for key in ("production", "sandbox")
            for part, urls in (
                ("url", [values[key].get("url", "")]),
                ("failover", values[key].get("failover", [])),
            )
        }
    )
    with transaction.atomic():
        row = lock(api)
        changed = {key: value for key, value in values.items() if value != getattr(row, key)}
        return _save(row, changed, seen=seen, actor=actor, now=now)


@transaction.atomic
def save_runtime(
    *, api: Api, origins: Iterable[str], query_token: bool, seen: datetime | None = None, actor: User, now: datetime
) -> Api:
    """Say which web pages may call the API (none named: all) and whether a token may come in the address.

    Nothing changes on the gateway until a revision is deployed. Raises RoleRequired, ChangedMeanwhile or Invalid
    (origins).
    """
    permissions.require_edit(actor, api)
    values = {**clean({"origins": origins}, {"origins": clean_origins}), "query_token": query_token}
    row = lock(api)
    changed = {key: value for key, value in values.items() if value != getattr(row, key)}
    return _save(row, changed, seen=seen, actor=actor, now=now)


@transaction.atomic
def set_plans(
    *,
    api: Api,
    plans: Sequence[Plan],
    successors: Mapping[Plan, Plan] | None = None,
    seen: datetime | None = None,
    actor: User,
    now: datetime,
) -> Api:
    """Offer exactly these plans to new subscribers, at once. Who is subscribed keeps the plan they have, unless it has
    a successor among `plans`.

    Raises RoleRequired, ChangedMeanwhile, and PlansNeeded (field `plans`) while the API may be subscribed to.
    """
    permissions.require_set_plans(actor, api)
    row = lock(api)
    if not plans and row.stage in SUBSCRIBABLE:
        sentence = f"An API that is {row.stage.label} keeps at least one plan. Choose one, or demote the API first."
        raise PlansNeeded(sentence, {"plans": sentence})
    saved = save_design(row, {}, seen=seen, now=now)
    saved.plans.set(hold(plans))
    names = sorted(plan.name for plan in plans)
    record_change(saved, "updated", actor=actor, now=now, fields=["plans"], plans=names)
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


def _save(row: Api, changed: Mapping[str, Any], *, seen: datetime | None, actor: User, now: datetime) -> Api:
    saved = save_design(row, changed, seen=seen, now=now)
    record_change(saved, "updated", actor=actor, now=now, fields=sorted(changed))
    return saved


def _insert(api: Api, *, provider: User, plans: Iterable[Plan], now: datetime) -> Api:
    api.provider, api.created_at, api.updated_at = provider, now, now
    rows.save(api, taken=lambda: AlreadyExists({"version": f"{api} exists already. Choose another version."}))
    api.plans.set(hold(plans))
    return api


def _one_at_a_time() -> None:
    """Let one transaction at a time change what is unique across versions: names, contexts and the default version.

    Call it before any row is locked, so that two of them cannot wait for each other. SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('publisher.versions'))")


def _refuse_clashes(name: str, context: str) -> None:
    clashes = {}
    if holder := queries.holder_of_name(name):
        clashes["name"] = (
            f"There is an API called {holder.name} already. Choose another name, or open it and make a new version."
        )
    if holder := queries.holder_of_context(context):
        clashes["context"] = f"{holder.name} answers at {holder.context} already. Choose another context."
    if clashes:
        raise AlreadyExists(clashes)


def _check_new_context(row: Api, context: str) -> None:
    if not queries.context_is_open(row):
        raise ContextIsFixed(
            f"The context stays {row.context}: it belongs to the API's revisions and versions. Create a new API for "
            f"{context}."
        )
    holder = queries.holder_of_context(context)
    if holder and holder.pk != row.pk:
        raise AlreadyExists({"context": f"{holder.name} answers at {holder.context} already. Choose another context."})


def _take_default_from_others(row: Api, *, actor: User, now: datetime) -> None:
    for other in queries.versions_of(row):
        if other.is_default_version and other.pk != row.pk:
            _save(other, {"is_default_version": False}, seen=None, actor=actor, now=now)


def _endpoint_values(
    production: Mapping[str, Any], sandbox: Mapping[str, Any], options: Mapping[str, Any] | None
) -> dict[str, Any]:
    errors: dict[str, str] = {}
    values = {
        "production": _document(errors, "production_", lambda: read_endpoint(production)),
        "sandbox": _document(errors, "sandbox_", lambda: read_endpoint(sandbox)),
    }
    if options is not None:
        values["endpoint_options"] = _document(errors, "", lambda: read_options(options))
    refuse(errors)
    return values


def _document(
    errors: dict[str, str], prefix: str, read: Callable[[], Endpoint | EndpointOptions | None]
) -> dict[str, Any]:
    try:
        value = read()
    except Invalid as error:
        errors.update({f"{prefix}{key}": sentence for key, sentence in error.fields.items()})
        return {}
    return value.to_document() if value else {}


def _require(*, endpoint: str, plans: Sequence[Plan]) -> None:
    missing = [name for name, given in (("endpoint", endpoint), ("plans", plans)) if not given]
    if missing:
        raise NotReadyToPublish(missing)
