"""APIs, scoped to who looks."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.permissions import Viewer
from accounts.roles import PUBLISHER_PORTAL, Role
from core.errors import NotFound
from core.folded import condition, whole
from core.searching import terms_of
from publisher import merging, permissions, validation, versions
from publisher.addresses import Tenant
from publisher.design import PARTS
from publisher.endpoint import HIDDEN, EndpointOptions
from publisher.models import Api, ImportDraft
from publisher.presentation import AccessControl, Visibility
from publisher.queries.searching import lookups_for

SORTS = {
    "name": ("name_key", "version"),
    "-name": ("-name_key", "-version"),
    "created": ("created_at",),
    "-created": ("-created_at",),
    "updated": ("updated_at",),
    "-updated": ("-updated_at",),
    "state": ("state", "name_key"),
    "-state": ("-state", "name_key"),
}
DEFAULT_SORT = "-updated"


class ApiNotFound(NotFound):
    """There is no such API for this person."""

    code = 900308


class ImportDraftNotFound(NotFound):
    """There is no such upload, or it is somebody else's."""


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


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def relatives_of(user: User, context: str, version: str) -> tuple[Api | None, Api | None]:
    """The user's API at this context and version, and the newest version of any at this context."""
    family = apis_for(user).filter(context__iexact=context)
    newest = max(family, key=lambda each: versions.sort_key(each.version), default=None)
    return next((each for each in family if each.version.lower() == version.lower()), None), newest


def search_apis(user: User, *, text: str = "", sort: str = DEFAULT_SORT) -> QuerySet[Api]:
    """The user's APIs that fit `text`, words or `name:chat` as `lookups_for` has it. Raises Invalid as `terms_of`."""
    apis = apis_for(user)
    lookups = lookups_for(text, apis)
    apis = apis.filter(condition(terms_of(text, lookups, "content"), lookups))
    return apis.order_by(*SORTS.get(sort, SORTS[DEFAULT_SORT]), "pk")


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


def get_import_draft(user: User, pk: uuid.UUID) -> ImportDraft:
    """What the user uploaded to import; raises ImportDraftNotFound."""
    draft = ImportDraft.objects.filter(owner=user, pk=pk).first()
    if draft is None:
        raise ImportDraftNotFound("This upload is no longer kept. Upload the file again.")
    return draft


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
