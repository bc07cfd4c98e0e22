"""What may be read of the Publisher's APIs, already scoped to the viewer."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Max, Q, QuerySet

from accounts.models import User
from core.errors import Invalid, NotFound
from core.models import AuditEntry
from core.searching import words_of
from publisher import merging, permissions, validation, versions
from publisher.addresses import Tenant
from publisher.design import PARTS
from publisher.endpoint import HIDDEN, EndpointOptions
from publisher.lifecycle import SERVED, State
from publisher.models import Api, Plan, Revision

SORTS = {
    "name": ("name", "version"),
    "-name": ("-name", "-version"),
    "updated": ("updated_at",),
    "-updated": ("-updated_at",),
    "state": ("state", "name"),
    "-state": ("-state", "name"),
}
DEFAULT_SORT = "-updated"
ASYNC = "Async"


class ApiNotFound(NotFound):
    """There is no such API for this person."""

    code = 900308


class RevisionNotFound(NotFound):
    """The API has no such revision."""

    code = 900347


class PlanNotFound(NotFound):
    """There is no plan of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no plan called {name}. It may have been deleted.")


class UnknownPlan(Invalid):
    """Plans were named that do not exist (field `plans`)."""

    code = 900305

    def __init__(self, names: Iterable[str]) -> None:
        sentence = f"There is no business plan called {', '.join(names)}."
        super().__init__(sentence, {"plans": sentence})


def apis_for(user: User) -> QuerySet[Api]:
    """Every API that the user may see in the Publisher."""
    apis = Api.objects.select_related("provider", "deployed_revision")
    return apis if permissions.can_enter(user) else apis.none()


def get_api_for(user: User, pk: uuid.UUID | str) -> Api:
    """One API; raises ApiNotFound also to those who may not know of it."""
    try:
        return apis_for(user).get(pk=pk)
    except (Api.DoesNotExist, ValidationError):
        raise ApiNotFound("There is no such API. It may have been deleted.") from None


def search_apis(user: User, *, text: str = "", state: State | None = None, sort: str = DEFAULT_SORT) -> QuerySet[Api]:
    """The user's APIs whose name, context, version, description or a tag holds every word of `text`.

    Raises Invalid for more words than a search may hold.
    """
    wanted = Q()
    for word in words_of(text):
        named = Q(name_key__contains=word) | Q(context__icontains=word) | Q(version__icontains=word)
        wanted &= named | Q(description_key__contains=word) | Q(tags_key__contains=word)
    apis = apis_for(user).filter(wanted)
    if state is not None:
        apis = apis.filter(state=state.value)
    return apis.order_by(*SORTS.get(sort, SORTS[DEFAULT_SORT]), "pk")


def all_plans() -> QuerySet[Plan]:
    """Every business plan, the largest quota first and the unlimited ones last."""
    return Plan.objects.order_by(F("quota").desc(nulls_last=True), "name")


def get_plan(name: str) -> Plan:
    """The business plan of this name. Raises PlanNotFound."""
    try:
        return plans_named([name])[0]
    except UnknownPlan:
        raise PlanNotFound(name) from None


def plans_named(names: Iterable[str]) -> list[Plan]:
    """The plans of these names; raises UnknownPlan (field `plans`) when one does not exist.

    WSO2's plans of streaming APIs have a name with Async before it too.
    """
    plain = {name: name.removeprefix(ASYNC) for name in names}
    rows = {plan.name: plan for plan in Plan.objects.filter(name__in={*plain.keys(), *plain.values()})}
    if missing := [name for name in plain if name not in rows and plain[name] not in rows]:
        raise UnknownPlan(missing)
    return list(dict.fromkeys(rows.get(name) or rows[plain[name]] for name in plain))


def plans_of(api: Api) -> list[Plan]:
    """The plans under which the API is offered, in the order of `all_plans`."""
    return list(all_plans().filter(apis=api))


def revisions_of(api: Api) -> QuerySet[Revision]:
    """The API's revisions, newest first."""
    return api.revisions.select_related("created_by").order_by("-number")


def next_revision_number(api: Api) -> int:
    """The number that the API's next revision will have."""
    return (api.revisions.aggregate(last=Max("number"))["last"] or 0) + 1


def get_revision_of(api: Api, pk: uuid.UUID | str) -> Revision:
    """One revision of this API; raises RevisionNotFound."""
    try:
        return revisions_of(api).get(pk=pk)
    except (Revision.DoesNotExist, ValidationError):
        raise RevisionNotFound(f"{api} has no such revision.") from None


def versions_of(api: Api) -> list[Api]:
    """All versions of the API, itself included, newest version first."""
    family = list(Api.objects.select_related("deployed_revision").filter(context__iexact=api.context))
    return sorted(family, key=lambda each: versions.sort_key(each.version), reverse=True)


def older_versions_of(api: Api) -> list[Api]:
    """The versions before this one, newest first."""
    mine = versions.sort_key(api.version)
    return [each for each in versions_of(api) if versions.sort_key(each.version) < mine]


def context_is_open(api: Api) -> bool:
    """Whether the context may still change: no revision and no other version depends on it."""
    return not api.revisions.exists() and len(versions_of(api)) == 1


def deployed_versions_of(api: Api) -> list[Api]:
    """The versions that the gateway serves."""
    served = {state.value for state in SERVED}
    return [each for each in versions_of(api) if each.deployed_revision_id and each.state in served]


def default_version_of(api: Api) -> Api | None:
    """The version that answers at the context alone: of those deployed as the default, the one deployed last."""
    claims = [
        (each.deployed_at, each)
        for each in deployed_versions_of(api)
        if each.deployed_revision and each.deployed_revision.snapshot["is_default_version"] and each.deployed_at
    ]
    return max(claims, key=lambda claim: claim[0])[1] if claims else None


def holder_of_name(name: str) -> Api | None:
    """An API that has this name already, in any case of letters."""
    return Api.objects.filter(name_key=name).first()


def holder_of_context(context: str) -> Api | None:
    """An API that answers at this context already, with or without `{version}` in it."""
    root = validation.context_root(context)
    alike = Q(context__iexact=root) | Q(context__iexact=f"{root}/{validation.VERSION_PLACEHOLDER}")
    return Api.objects.filter(alike).first()


def tenants(apis: QuerySet[Api] | None = None) -> list[Tenant]:
    """All APIs, or these, as holders of addresses. One query that reads no design."""
    rows = Api.objects.all() if apis is None else apis
    columns = rows.order_by().values_list("pk", "name", "context", "version", "created_at")
    return [Tenant(pk, f"{name} {version}", context, version, at) for pk, name, context, version, at in columns]


def changes_of(api: Api) -> QuerySet[AuditEntry]:
    """The API's rows in the audit log, newest first."""
    return AuditEntry.objects.filter(kind="api", object_id=str(api.pk)).order_by("-id")


def lifecycle_history(api: Api) -> QuerySet[AuditEntry]:
    """How the API came to its state: its making and each transition, newest first."""
    return changes_of(api).filter(verb__in=["api.created", "api.transitioned"])


def base_of(api: Api) -> dict[str, str]:
    """A digest of every field of the design as it is now, for a page to take along. It holds no secret."""
    fields = merging.fields_of(design_of(api, [*PARTS, "plans"]))
    for name in merging.SECRETS:
        value = fields[merging.sealed(name)] = fields[name]
        fields[name] = dict.fromkeys(value, HIDDEN) if isinstance(value, Mapping) else value and HIDDEN
    return {name: merging.digest(value) for name, value in fields.items()}


def design_of(api: Api, parts: Iterable[str]) -> dict[str, Any]:
    """Some parts of the design as they are stored, whole."""
    present = {part: list(api.plans.all()) if part == "plans" else getattr(api, part) for part in parts}
    if "endpoint_options" in present:
        present["endpoint_options"] = EndpointOptions.from_document(api.endpoint_options).to_document()
    return present
