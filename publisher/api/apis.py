"""APIs: list, create, read, change, delete, copy, and whether a name is free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.paging import KeysFirst
from core.rest.documents import answers, list_of
from core.rest.etags import IF_MATCH, check_unchanged
from core.rest.requests import (
    PAGE_PARAMETERS,
    choose,
    one_page,
    query_flag,
    query_value,
    required_query,
    search,
)
from publisher import mock, operations, queries
from publisher.api.access import IN_THE_PUBLISHER
from publisher.api.documents import LINKS, OWNERS, ApiDocument, ApiInfo, parts_of
from publisher.models import Api

FIELD_NAMES = {
    "plans": "policies",
    "is_default_version": "isDefaultVersion",
    "endpoint": "endpointConfig",
    "production_url": "endpointConfig.production_endpoints.url",
    "production_failover": "endpointConfig.production_failovers",
    "sandbox_url": "endpointConfig.sandbox_endpoints.url",
    "sandbox_failover": "endpointConfig.sandbox_failovers",
    "topics": "operations",
    "key_types": "keyTypes",
    "message_bytes": "messageBytes",
    "frame_bytes": "frameBytes",
    "key_managers": "keyManagers",
    "payload_validation": "payloadValidation",
    "message_rate": "maxTps",
    "over_rate": "rateExceeded",
    "byte_quota": "byteQuota",
    "byte_period": "byteQuotaTimeUnit",
    "over_byte_quota": "byteQuotaExceeded",
    "redacted": "redactedFields",
    **{f"mock_{name}": f"mock.{name}" for name in mock.OFF},
    "display_name": "displayName",
    "visible_roles": "visibleRoles",
    "access_control": "accessControl",
    "access_control_roles": "accessControlRoles",
    "properties": "additionalProperties",
    **{part: f"businessInformation.{name}" for name, part in OWNERS.items()},
    **{part: f"links.{name}" for name, part in LINKS.items()},
    "origins": "corsConfiguration.accessControlAllowOrigins",
}
SORTS = {
    "apiName": "name_key",
    "version": "version",
    "createdTime": "created_at",
    "updatedTime": "updated_at",
    "status": "state",
}
SEARCHED = f"Words, or {', '.join(f'{each}:' for each in queries.LOOKUPS)}, or the name of a property and a colon"
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
            OpenApiParameter("query", str, description=SEARCHED),
            OpenApiParameter("sortBy", str, enum=list(SORTS)),
            OpenApiParameter("sortOrder", str, enum=["asc", "desc"]),
        ],
        responses=answers({200: ApiList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """The newest first unless `sortBy` says otherwise."""
        text, everywhere = request.query_params.get("query", ""), queries.apis_for(self.user)
        found = search(everywhere, text, queries.lookups_for(text, everywhere), "content")
        column = choose(request, "sortBy", SORTS, "createdTime")
        sign = choose(request, "sortOrder", {"asc": "", "desc": "-"}, "desc")
        rows = KeysFirst(found.order_by(f"{sign}{column}", "pk"), everywhere)
        return Response(one_page(request, rows, lambda api: ApiInfo(api).data))

    @extend_schema(
        operation_id="createApi",
        summary="Create an API",
        tags=["APIs"],
        request=ApiDocument,
        responses=answers({201: ApiDocument}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """In state CREATED. Deploy and publish it with the operations of revisions and lifecycle."""
        # True of every API that is about to be made, so that saying it is no mistake.
        holds = {"provider": self.user.username, "lifeCycleStatus": "CREATED", "hasThumbnail": False}
        body = ApiDocument(data=request.data, context={"holds": holds})
        body.is_valid(raise_exception=True)
        given = body.validated_data
        names = {name: given[name] for name in ("name", "context", "version")}
        plans = queries.plans_named(given.get("plans", ()))
        categories = queries.categories_named(given.get("categories", ()))
        made = operations.create_api(**names, **parts_of(given), plans=plans, categories=categories, **self.by)
        return shown(made, 201)


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
        given = body.validated_data
        # A new name or version is among the changes, so that the operation refuses it by name.
        names = {name: given[name] for name in ("name", "version") if given[name] != getattr(api, name)}
        plans = {"plans": queries.plans_named(given["plans"])} if "plans" in given else {}
        shelves = {"categories": queries.categories_named(given["categories"])} if "categories" in given else {}
        changes = {**names, **plans, **shelves, **parts_of(given, api), "context": given["context"]}
        return shown(operations.update_api(api=api, changes=changes, **self.by))

    @extend_schema(
        operation_id="deleteApi", summary="Delete an API", tags=["APIs"], responses=answers({200: None}, 403, 404, 409)
    )
    def delete(self, request: Request, api_id: UUID) -> Response:
        """With its revisions and subscriptions; open connections are closed."""
        operations.delete_api(api=queries.get_api_for(self.user, api_id), **self.by)
        return Response()


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
