"""APIs: list, create, read, change, delete, copy, and whether a name is free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.rest import Resource
from core.rest.documents import answers, list_of
from core.rest.etags import IF_MATCH, check_unchanged
from core.rest.requests import (
    PAGE_PARAMETERS,
    changed,
    choose,
    one_page,
    query_flag,
    query_value,
    required_query,
    search,
)
from publisher import operations, permissions, queries
from publisher.api.access import IN_THE_PUBLISHER
from publisher.api.documents import ApiDocument, ApiInfo, endpoint_documents, origins_listed
from publisher.models import Api

FIELD_NAMES = {
    "plans": "policies",
    "is_default_version": "isDefaultVersion",
    "endpoint": "endpointConfig",
    "production_url": "endpointConfig.production_endpoints.url",
    "production_failover": "endpointConfig.production_failovers",
    "sandbox_url": "endpointConfig.sandbox_endpoints.url",
    "sandbox_failover": "endpointConfig.sandbox_failovers",
    "origins": "corsConfiguration.accessControlAllowOrigins",
}
LOOKUPS = {
    "name": "name_key__contains",
    "context": "context__icontains",
    "version": "version__icontains",
    "status": "state__iexact",
    "description": "description_key__contains",
    "provider": "provider__username_key__contains",
}
SORTS = {"apiName": "name", "version": "version", "createdTime": "created_at", "status": "state"}
ApiList = list_of(ApiInfo, "ApiList")


class Apis(Resource):
    """The APIs of the Publisher."""

    permission_classes = IN_THE_PUBLISHER
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="listApis",
        summary="List and search the APIs",
        tags=["APIs"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("query", str, description=f"Words, or {', '.join(f'{each}:' for each in LOOKUPS)}"),
            OpenApiParameter("sortBy", str, enum=list(SORTS)),
            OpenApiParameter("sortOrder", str, enum=["asc", "desc"]),
        ],
        responses=answers({200: ApiList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """The newest first unless `sortBy` says otherwise."""
        rows = search(queries.apis_for(self.user), request.query_params.get("query", ""), LOOKUPS, "name_key__contains")
        return Response(one_page(request, _sorted(request, rows), lambda api: ApiInfo(api).data))

    @extend_schema(
        operation_id="createApi",
        summary="Create an API",
        tags=["APIs"],
        request=ApiDocument,
        responses=answers({201: ApiDocument}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """In state CREATED. Deploy and publish it with the operations of revisions and lifecycle."""
        body = ApiDocument(data=request.data, context={"holds": _new_api_of(self.user)})
        body.is_valid(raise_exception=True)
        return shown(self._create(body.validated_data), 201)

    @transaction.atomic
    def _create(self, given: Mapping[str, Any]) -> Api:
        api = operations.create_api(
            name=given["name"],
            context=given["context"],
            version=given["version"],
            plans=queries.plans_named(given.get("policies", ())),
            description=given.get("description") or "",
            tags=given.get("tags", ()),
            **self.by,
        )
        if given.get("endpointConfig"):
            api = operations.save_endpoint(api=api, **endpoint_documents(given["endpointConfig"]), **self.by)
        if runtime := _new_runtime(api, given):
            api = operations.save_runtime(api=api, **runtime, **self.by)
        if given.get("is_default_version"):
            api = operations.update_api(api=api, changes={"is_default_version": True}, **self.by)
        return api


class OneApi(Resource):
    """One API."""

    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="getApi", summary="Read an API", tags=["APIs"], responses=answers({200: ApiDocument}, 404)
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """With its ETag."""
        return shown(queries.get_api_for(self.user, api_id))

    @extend_schema(
        operation_id="updateApi",
        summary="Change an API",
        tags=["APIs"],
        parameters=[IF_MATCH],
        request=ApiDocument,
        responses=answers({200: ApiDocument}, 400, 403, 404, 409, 412),
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        """What is left out stays. Changes of endpoints act when a revision is deployed, plans at once."""
        api = queries.get_api_for(self.user, api_id)
        check_unchanged(request, etag(api))
        body = ApiDocument(api, data=request.data)
        body.is_valid(raise_exception=True)
        return shown(self._update(api, body.validated_data))

    @extend_schema(
        operation_id="deleteApi", summary="Delete an API", tags=["APIs"], responses=answers({204: None}, 403, 404, 409)
    )
    def delete(self, request: Request, api_id: UUID) -> Response:
        """With its revisions and subscriptions; open connections are closed."""
        operations.delete_api(api=queries.get_api_for(self.user, api_id), **self.by)
        return Response(status=204)

    @transaction.atomic
    def _update(self, api: Api, given: Mapping[str, Any]) -> Api:
        """Each part that differs through its own operation, which asks for its own right; all of them or none."""
        plans, changes, endpoint = _new_plans(api, given), _changes(api, given), _new_endpoint(api, given)
        runtime = _new_runtime(api, given)
        if plans is None and not changes and endpoint is None and runtime is None:
            return self._unchanged(api)
        if plans is not None:
            api = operations.set_plans(api=api, plans=queries.plans_named(plans), **self.by)
        if endpoint is not None:
            api = operations.save_endpoint(api=api, **endpoint, **self.by)
        if runtime is not None:
            api = operations.save_runtime(api=api, **runtime, **self.by)
        return operations.update_api(api=api, changes=changes, **self.by) if changes else api

    def _unchanged(self, api: Api) -> Api:
        if not permissions.can_set_plans(self.user, api):
            permissions.require_edit(self.user, api)
        return api


class Validation(Resource):
    """Whether a name or context is taken."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="validateApi",
        summary="Ask whether a name or context is taken",
        tags=["APIs"],
        parameters=[required_query("query", "`name:…` or `context:…`; a plain word is a name.")],
        request=None,
        responses=answers({200: None}, 400, 403, 404),
    )
    def post(self, request: Request) -> Response:
        """200 if an API has it already, 404 if it is free."""
        kind, colon, value = query_value(request, "query").partition(":")
        find = choose(request, "kind", HOLDERS, kind if colon else "name")
        if not find(value if colon else kind):
            raise NotFound("No API has it: it is free.")
        return Response()


class Copy(Resource):
    """A new version from an old one."""

    field_names: ClassVar[Mapping[str, str]] = {"version": "newVersion"}

    @extend_schema(
        operation_id="copyApi",
        summary="Make a new version of an API",
        tags=["APIs"],
        parameters=[
            required_query("apiId", "The API to copy."),
            required_query("newVersion", "The version of the copy."),
            OpenApiParameter("defaultVersion", bool, description="Make the copy the default version."),
        ],
        request=None,
        responses=answers({201: ApiDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request) -> Response:
        """The copy starts in state CREATED."""
        api = operations.create_version(
            api=queries.get_api_for(self.user, query_value(request, "apiId")),
            version=query_value(request, "newVersion"),
            make_default=query_flag(request, "defaultVersion"),
            **self.by,
        )
        return shown(api, 201)


HOLDERS = {"name": queries.holder_of_name, "context": queries.holder_of_context}


def shown(api: Api, status: int = 200) -> Response:
    """An API as an answer, with its ETag."""
    return Response(ApiDocument(api).data, status=status, headers={"ETag": etag(api)})


def etag(api: Api) -> str:
    """Changes whenever what `shown` shows changes: the design (`updated_at`) or the state."""
    return f'"{int(api.updated_at.timestamp() * 1_000_000):x}-{api.state}"'


def _new_api_of(user: User) -> dict[str, Any]:
    return {"provider": user.username, "lifeCycleStatus": "CREATED"}


def _sorted(request: Request, rows: QuerySet[Api]) -> QuerySet[Api]:
    column = choose(request, "sortBy", SORTS, "createdTime")
    sign = choose(request, "sortOrder", {"asc": "", "desc": "-"}, "desc")
    return rows.order_by(f"{sign}{column}", "pk")


def _changes(api: Api, given: Mapping[str, Any]) -> dict[str, Any]:
    """What `update_api` has to do. A new name or version is among it, so that it is refused by name."""
    values = {**given, "description": given.get("description") or ""} if "description" in given else given
    present = {
        name: getattr(api, name) for name in ("name", "context", "version", "description", "tags", "is_default_version")
    }
    return changed(values, present, present)


def _new_plans(api: Api, given: Mapping[str, Any]) -> list[str] | None:
    """The names of the plans, if they are to change."""
    wanted: list[str] | None = given.get("policies")
    present = {plan.name for plan in api.plans.all()}
    return None if wanted is None or set(wanted) == present else wanted


def _new_endpoint(api: Api, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments of `save_endpoint`, if the endpoint is to change."""
    if "endpointConfig" not in given:
        return None
    wanted = endpoint_documents(given["endpointConfig"])
    present = {"production": api.production, "sandbox": api.sandbox, "options": api.endpoint_options}
    stored = {key: document if key == "options" or document["url"] else {} for key, document in wanted.items()}
    return None if all(document == present[key] for key, document in stored.items()) else wanted


def _new_runtime(api: Api, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments of `save_runtime`, if who may call, or how, is to change."""
    present = {"origins": api.origins, "query_token": api.query_token}
    wanted = dict(present)
    if "corsConfiguration" in given:
        wanted["origins"] = origins_listed(given["corsConfiguration"])
    if "query_token" in given:
        wanted["query_token"] = given["query_token"]
    return None if wanted == present else wanted
