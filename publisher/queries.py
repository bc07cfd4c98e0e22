"""What may be read of the Publisher's APIs, scoped to the viewer; one module, so that no read goes round the scope."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Count, F, Max, Q, QuerySet

from accounts.models import User
from accounts.permissions import Viewer
from accounts.roles import PUBLISHER_PORTAL, Role
from core.errors import Invalid, NotFound
from core.folded import condition, whole
from core.models import AuditEntry
from core.searching import terms_of, why_too_much
from core.text import fold
from publisher import merging, permissions, search, validation, versions
from publisher.addresses import Tenant
from publisher.design import PARTS
from publisher.endpoint import HIDDEN, EndpointOptions
from publisher.lifecycle import SERVED, RequestStatus, State
from publisher.models import Api, Category, DeployedChange, ImportDraft, LifecycleRequest, Plan, Revision
from publisher.presentation import AccessControl, Visibility

SORTS = {
    "name": ("name", "version"),
    "-name": ("-name", "-version"),
    "created": ("created_at",),
    "-created": ("-created_at",),
    "updated": ("updated_at",),
    "-updated": ("-updated_at",),
    "state": ("state", "name"),
    "-state": ("-state", "name"),
}
DEFAULT_SORT = "-updated"


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _named(text: str) -> Q:
    return Q(name_key__contains=text) | Q(display_name_key__contains=text)


def in_category(name: str) -> Q:
    """APIs in the category of this name, in any case of letters."""
    return Q(pk__in=Category.objects.filter(name_key=name, apis__isnull=False).values("apis"))


NAMED = re.compile(r'(?:^|\s)([^\s":]+):')
"""What is written before a colon, as the name of a field."""
Lookup = str | Callable[[str], Q]
LOOKUPS: dict[str, Lookup] = {
    "content": search.holds,
    "name": _named,
    "display-name": _named,
    "context": "context__icontains",
    "version": "version__icontains",
    "description": "description_key__contains",
    "tags": "tags_key__contains",
    "status": lambda word: Q(
        state__in=[each.value for each in State if word.upper() in (each.name, each.label.upper())]
    ),
    "provider": "provider__username_key__contains",
    "api-category": in_category,
    "type": lambda word: Q(pk__isnull=word.upper() not in {"WS", "WEBSOCKET"}),
}
"""By which fields APIs are found, in both portals and both kinds of interface; plain words are `content`."""
ASYNC = "Async"


def has_property(name: str, value: str = "", *, shown_only: bool = False) -> Q:
    """APIs with a property of this name whose value holds this text; `shown_only`: of those that the portal shows."""
    marks = r"\+" if shown_only else "[+-]"
    held = f"[^\n]*{_literally(' '.join(value.split()))}" if value else ""
    return Q(properties_key__regex=f"\n{marks}{_literally(name)}\t{held}")


def lookups_for(text: str, apis: QuerySet[Api], *, shown_only: bool = False) -> dict[str, Lookup]:
    """LOOKUPS, and by its name each property that `text` asks for and that one of these APIs has."""
    too_much = why_too_much(text)  # which is said when it is read
    names = set() if too_much else {name for name in NAMED.findall(text) if name.lower() not in LOOKUPS}
    found = [name for name in names if apis.filter(has_property(name, shown_only=shown_only)).exists()]
    return LOOKUPS | {name: partial(has_property, name, shown_only=shown_only) for name in found}


def _literally(text: str) -> str:
    return re.sub(r"([][{}()*+?.\\^$|])", r"\\\1", fold(text))


class ApiNotFound(NotFound):
    """There is no such API for this person."""

    code = 900308


class RevisionNotFound(NotFound):
    """The API has no such revision."""

    code = 900347


class ImportDraftNotFound(NotFound):
    """There is no such upload, or it is somebody else's."""


class LifecycleRequestNotFound(NotFound):
    """There is no such request."""


class PlanNotFound(NotFound):
    """There is no plan of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no plan called {name}. It may have been deleted.")


class UnknownPlan(Invalid):
    """Plans were named that do not exist (field `plans`)."""

    code = 900305

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        sentence = f"There is no business plan called {', '.join(self.names)}."
        super().__init__(sentence, {"plans": sentence})


class CategoryNotFound(NotFound):
    """There is no such category."""


class UnknownCategory(Invalid):
    """Categories were named that do not exist (field `categories`)."""

    def __init__(self, names: Iterable[str]) -> None:
        sentence = f"There is no category called {', '.join(names)}. Administrators make them."
        super().__init__(sentence, {"categories": sentence})


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


def names_of_apis(ids: Iterable[str]) -> dict[str, str]:
    """What these APIs are called, with their versions, by id as text; those that are gone are left out."""
    rows = Api.objects.filter(pk__in=[pk for pk in ids if _is_id(pk)])
    return {str(api.pk): str(api) for api in rows}


def apis_among(user: User, pks: Iterable[str]) -> QuerySet[Api]:
    """Those of the user's APIs that these ids name, by name, with their plans; what is no id names none."""
    known = [pk for pk in pks if _is_id(pk)]
    return apis_for(user).filter(pk__in=known).prefetch_related("plans").order_by("name", "version")


def relatives_of(user: User, context: str, version: str) -> tuple[Api | None, Api | None]:
    """The user's API at this context and version, and the newest version of any at this context."""
    family = apis_for(user).filter(context__iexact=context)
    newest = max(family, key=lambda each: versions.sort_key(each.version), default=None)
    return next((each for each in family if each.version.lower() == version.lower()), None), newest


def get_import_draft(user: User, pk: uuid.UUID) -> ImportDraft:
    """What the user uploaded to import; raises ImportDraftNotFound."""
    draft = ImportDraft.objects.filter(owner=user, pk=pk).first()
    if draft is None:
        raise ImportDraftNotFound("This upload is no longer kept. Upload the file again.")
    return draft


def search_apis(user: User, *, text: str = "", sort: str = DEFAULT_SORT) -> QuerySet[Api]:
    """The user's APIs that fit `text`, words or `name:chat` as `lookups_for` has it. Raises Invalid as `terms_of`."""
    apis = apis_for(user)
    lookups = lookups_for(text, apis)
    apis = apis.filter(condition(terms_of(text, lookups, "content"), lookups))
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


def all_categories() -> QuerySet[Category]:
    """Every category by name, with `api_count`."""
    return Category.objects.annotate(api_count=Count("apis")).order_by("name_key")


def get_category(pk: uuid.UUID | str) -> Category:
    """One category. Raises CategoryNotFound."""
    try:
        return all_categories().get(pk=pk)
    except (Category.DoesNotExist, ValidationError):
        raise CategoryNotFound("There is no such category. It may have been deleted.") from None


def categories_named(names: Iterable[str]) -> list[Category]:
    """The categories of these names, in any case of letters; raises UnknownCategory where one does not exist."""
    wanted = {fold(name): name for name in names}
    rows = {row.name_key: row for row in Category.objects.filter(name_key__in=wanted)}
    if missing := [name for key, name in wanted.items() if key not in rows]:
        raise UnknownCategory(missing)
    return [rows[key] for key in wanted]


def visible_to(viewer: Viewer) -> Q:
    """The APIs that the viewer may find in the Developer Portal, whatever their state.

    Those for everybody, those for one of the viewer's roles, and those of whose team the viewer is: their provider, and
    who works in the Publisher, with one of the roles that may edit where these are named.
    """
    everybody = Q(visibility=Visibility.PUBLIC)
    if not isinstance(viewer, User):
        return everybody
    if Role.ADMIN in viewer.roles:
        return Q()
    theirs, edited = Q(), Q(access_control=AccessControl.NONE)
    for role in viewer.roles:
        theirs |= Q(visible_roles_key__contains=whole(role))
        edited |= Q(access_control_roles_key__contains=whole(role))
    team = edited if viewer.roles & PUBLISHER_PORTAL else Q(pk__in=())
    return everybody | Q(provider=viewer) | Q(visibility=Visibility.RESTRICTED) & (theirs or Q(pk__in=())) | team


def known_plans(names: Iterable[str]) -> tuple[list[Plan], list[str]]:
    """The plans of these names that exist, and the names of those that do not."""
    wanted = list(names)
    try:
        return plans_named(wanted), []
    except UnknownPlan as refusal:
        return plans_named([name for name in wanted if name not in refusal.names]), refusal.names


def plans_of(api: Api) -> list[Plan]:
    """The plans under which the API is offered, in the order of `all_plans`."""
    return list(all_plans().filter(apis=api))


def revisions_of(api: Api) -> QuerySet[Revision]:
    """The API's revisions, newest first."""
    return api.revisions.select_related("created_by").order_by("-number")


def next_revision_number(api: Api) -> int:
    """The number that the API's next revision will have."""
    return max(api.revisions.aggregate(last=Max("number"))["last"] or 0, api.revisions_made) + 1


def who_goes(api: Api) -> QuerySet[Revision]:
    """The revisions of which one goes when the next is made, the oldest first; none while there is room for more."""
    undeployed = api.revisions.exclude(deployed_for=api).order_by("number")
    return undeployed if api.revisions.count() >= settings.MOST_REVISIONS else undeployed.none()


def get_revision_of(api: Api, pk: uuid.UUID | str) -> Revision:
    """One revision of this API; raises RevisionNotFound."""
    try:
        return revisions_of(api).get(pk=pk)
    except (Revision.DoesNotExist, ValidationError):
        raise RevisionNotFound(f"{api} has no such revision.") from None


def last_deployed(api: Api) -> Revision | None:
    """What the gateway serves or served last, if that revision is still kept."""
    if api.deployed_revision:
        return api.deployed_revision
    entry = changes_of(api).filter(verb="api.deployed").first()
    return api.revisions.filter(pk=entry.detail["revision_id"]).first() if entry else None


def deployed_changes(api: Api) -> QuerySet[DeployedChange]:
    """How deployments changed what clients meet, newest first."""
    return api.deployed_changes.order_by("-at", "-pk")


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
    return not (api.revisions_made or api.revisions.exists()) and len(versions_of(api)) == 1


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


def requests_of_lifecycles(status: RequestStatus | None = None) -> QuerySet[LifecycleRequest]:
    """What was asked for of any API, newest first; the pending ones oldest first, as a queue is."""
    rows = LifecycleRequest.objects.select_related("api", "requester", "decided_by")
    if status is RequestStatus.PENDING:
        return rows.prefetch_related("api__plans").filter(status=status.value).order_by("created_at", "pk")
    return rows.exclude(status=RequestStatus.PENDING.value).order_by("-decided_at", "pk")


def get_lifecycle_request(pk: uuid.UUID | str) -> LifecycleRequest:
    """One request. Raises LifecycleRequestNotFound."""
    try:
        return LifecycleRequest.objects.select_related("api", "requester", "decided_by").get(pk=pk)
    except (LifecycleRequest.DoesNotExist, ValidationError):
        raise LifecycleRequestNotFound("There is no such request. Its API may have been deleted.") from None


def pending_request_of(api: Api) -> LifecycleRequest | None:
    """The step of this API that waits for approval, if any."""
    found = api.lifecycle_requests.filter(status=RequestStatus.PENDING.value)
    return found.select_related("requester").first()


def last_rejection_of(api: Api) -> LifecycleRequest | None:
    """The last request for this API where it was rejected and nothing was asked for since."""
    last = api.lifecycle_requests.select_related("requester", "decided_by").order_by("-created_at").first()
    return last if last and last.status == RequestStatus.REJECTED and last.state == api.state else None


def base_of(api: Api) -> dict[str, str]:
    """A digest of every field of the design as it is now, for a page to take along. It holds no secret."""
    fields = merging.fields_of(design_of(api, [*PARTS, *merging.RELATED]))
    for name in merging.SECRETS:
        value = fields[merging.sealed(name)] = fields[name]
        fields[name] = dict.fromkeys(value, HIDDEN) if isinstance(value, Mapping) else value and HIDDEN
    return {name: merging.digest(value) for name, value in fields.items()}


def design_of(api: Api, parts: Iterable[str]) -> dict[str, Any]:
    """Some parts of the design as they are stored, whole."""
    present = {part: getattr(api, part) for part in parts}
    present |= {part: list(present[part].all()) for part in present.keys() & merging.RELATED}
    if "endpoint_options" in present:
        present["endpoint_options"] = EndpointOptions.from_document(api.endpoint_options).to_document()
    return present
