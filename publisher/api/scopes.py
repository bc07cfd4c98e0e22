"""Scopes: those that all APIs share, and those of one API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Strict, answers, list_of
from core.rest.etags import IF_MATCH, check_unchanged, etag
from core.rest.requests import PAGE_PARAMETERS, one_page
from publisher import permissions, queries, scope_terms, scoping
from publisher.api.access import IN_THE_PUBLISHER
from publisher.models import Scope
from publisher.operations import scopes as operations

FIELD_NAMES = {"display_name": "displayName", "roles": "bindings"}


class ScopeBody(Strict):
    """A scope; `bindings` are the roles whose people get it, none for everybody."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=scope_terms.NAME_LENGTH)
    displayName = serializers.CharField(
        source="display_name", required=False, allow_blank=True, max_length=scope_terms.DISPLAY_NAME_LENGTH
    )
    description = serializers.CharField(required=False, allow_blank=True, max_length=scope_terms.DESCRIPTION_LENGTH)
    bindings = serializers.ListField(source="roles", child=serializers.CharField(), required=False, max_length=20)

    ignored: ClassVar[frozenset[str]] = frozenset({"usageCount"})


class NamedScope(serializers.Serializer):  # type: ignore[type-arg]
    """A scope as an API shows it: its own, or a shared one that its topics name."""

    scope = ScopeBody(source="definition")
    shared = serializers.SerializerMethodField()

    def get_shared(self, use: scoping.Use) -> bool:
        """Whether it belongs to all APIs."""
        return use.definition is not None and use.definition.api_id is None


class UsedApi(serializers.Serializer):  # type: ignore[type-arg]
    """An API whose topics name a shared scope."""

    name = serializers.CharField()
    context = serializers.CharField()  # type: ignore[assignment]
    version = serializers.CharField()
    provider = serializers.CharField(source="provider.username")


class Usage(serializers.Serializer):  # type: ignore[type-arg]
    """Who names a shared scope."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    usedApiList = UsedApi(many=True)


ScopeList = list_of(ScopeBody, "ScopeList")


class SharedScopes(Resource):
    """The scopes that every API may name."""

    permission_classes = IN_THE_PUBLISHER
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="getSharedScopes",
        summary="List the shared scopes",
        tags=["Scopes"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: ScopeList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """By name."""
        return Response(one_page(request, scoping.scopes_of(None), lambda row: ScopeBody(row).data))

    @extend_schema(
        operation_id="addSharedScope",
        summary="Describe a shared scope",
        tags=["Scopes"],
        request=ScopeBody,
        responses=answers({201: ScopeBody}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """For administrators."""
        permissions.require_describe_scopes(self.user, None)
        body = ScopeBody(data=request.data)
        body.is_valid(raise_exception=True)
        return shown(operations.create_scope(api=None, fields=body.validated_data, **self.by), 201)


class OneScope(Resource):
    """One scope: of an API, or shared where the address names none."""

    permission_classes = IN_THE_PUBLISHER
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    def get(self, request: Request, scope_id: UUID, api_id: UUID | None = None) -> Response:
        """With its ETag."""
        return shown(self._scope(scope_id, api_id))

    def put(self, request: Request, scope_id: UUID, api_id: UUID | None = None) -> Response:
        """What is left out stays, as does the name. It acts on tokens that are made from then on."""
        if api_id is None:
            permissions.require_describe_scopes(self.user, None)
        scope = self._scope(scope_id, api_id)
        check_unchanged(request, etag(ScopeBody(scope).data))
        body = ScopeBody(scope, data=request.data)
        body.is_valid(raise_exception=True)
        return shown(operations.update_scope(scope=scope, changes=body.validated_data, **self.by))

    def delete(self, request: Request, scope_id: UUID, api_id: UUID | None = None) -> Response:
        """Not while a topic names it."""
        operations.delete_scope(scope=self._scope(scope_id, api_id), **self.by)
        return Response()

    def _scope(self, scope_id: UUID, api_id: UUID | None) -> Scope:
        api = queries.get_api_for(self.user, api_id) if api_id else None
        return scoping.get_scope(scoping.scopes_of(api), scope_id)


@extend_schema_view(
    get=extend_schema(
        operation_id="getSharedScope",
        summary="Read a shared scope",
        tags=["Scopes"],
        responses=answers({200: ScopeBody}, 403, 404),
    ),
    put=extend_schema(
        operation_id="updateSharedScope",
        summary="Change a shared scope",
        tags=["Scopes"],
        parameters=[IF_MATCH],
        request=ScopeBody,
        responses=answers({200: ScopeBody}, 400, 403, 404, 412),
    ),
    delete=extend_schema(
        operation_id="deleteSharedScope",
        summary="Delete a shared scope",
        tags=["Scopes"],
        responses=answers({200: None}, 403, 404, 409),
    ),
)
class SharedScope(OneScope):
    """One shared scope."""


class SharedScopeUsage(Resource):
    """Who names a shared scope."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="getSharedScopeUsages",
        summary="Ask which APIs name a shared scope",
        tags=["Scopes"],
        responses=answers({200: Usage}, 403, 404),
    )
    def get(self, request: Request, scope_id: UUID) -> Response:
        """In their topics, here or on the gateway."""
        scope = scoping.get_scope(scoping.scopes_of(None), scope_id)
        used = UsedApi(scoping.apis_naming(scope), many=True).data
        return Response({"id": scope.pk, "name": scope.name, "usedApiList": used})


class ApiScopes(Resource):
    """The scopes of one API."""

    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="getScopesOfApi",
        summary="List the scopes of an API",
        tags=["Scopes"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: ScopeList}, 400, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """By name, without the shared ones."""
        rows = scoping.scopes_of(queries.get_api_for(self.user, api_id))
        return Response(one_page(request, rows, lambda row: ScopeBody(row).data))

    @extend_schema(
        operation_id="addScopeOfApi",
        summary="Describe a scope of an API",
        tags=["Scopes"],
        request=ScopeBody,
        responses=answers({201: ScopeBody}, 400, 403, 404, 409),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """No other API may have one of this name, except another version of this one."""
        api, body = queries.get_api_for(self.user, api_id), ScopeBody(data=request.data)
        permissions.require_describe_scopes(self.user, api)
        body.is_valid(raise_exception=True)
        return shown(operations.create_scope(api=api, fields=body.validated_data, **self.by), 201)


@extend_schema_view(
    get=extend_schema(
        operation_id="getScopeOfApi",
        summary="Read a scope of an API",
        tags=["Scopes"],
        responses=answers({200: ScopeBody}, 404),
    ),
    put=extend_schema(
        operation_id="updateScopeOfApi",
        summary="Change a scope of an API",
        tags=["Scopes"],
        parameters=[IF_MATCH],
        request=ScopeBody,
        responses=answers({200: ScopeBody}, 400, 403, 404, 412),
    ),
    delete=extend_schema(
        operation_id="deleteScopeOfApi",
        summary="Delete a scope of an API",
        tags=["Scopes"],
        responses=answers({200: None}, 403, 404, 409),
    ),
)
class ApiScope(OneScope):
    """One scope of an API."""

    permission_classes = [IsAuthenticated]


def shown(scope: Scope, status: int = 200) -> Response:
    """A scope as an answer, with its ETag."""
    body = ScopeBody(scope).data
    return Response(body, status=status, headers={"ETag": etag(body)})
