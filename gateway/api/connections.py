"""Connections over HTTP, below `/api/am/gateway/v1/`: who is connected to all workers, who was, and closing one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core import database_clock
from core.rest.documents import Moment, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, choose, one_page
from gateway.connections import operations, queries
from gateway.models import ConnectionRecord

Narrow = Callable[[QuerySet[ConnectionRecord], datetime], QuerySet[ConnectionRecord]]

STATES: dict[str, Narrow] = {
    "open": queries.open_among,
    "ended": lambda rows, now: rows.exclude(ended_at=None),
    "all": lambda rows, now: rows,
}
FILTERS = {"apiId": "api_id", "applicationId": "application_id", "clientIp": "client_ip"}


class ConnectionDocument(serializers.Serializer):  # type: ignore[type-arg]
    """One connection. Traffic of an open one may be ten seconds old; what describes its end is null until then."""

    connectionId = serializers.CharField(source="pk", help_text="Client and backend saw it as X-APIM-Request-Id.")
    apiId = serializers.CharField(source="api_id")
    apiName = serializers.CharField(source="api_name")
    apiContext = serializers.CharField(source="context")
    apiVersion = serializers.CharField(source="version")
    applicationId = serializers.CharField(source="application_id")
    applicationName = serializers.CharField(source="application_name")
    subscriber = serializers.CharField()
    throttlingPolicy = serializers.CharField(source="plan")
    keyType = serializers.CharField(source="key_type")
    clientIp = serializers.CharField(source="client_ip")
    startedAt = Moment(source="started_at")
    expiresAt = Moment(source="expires_at", help_text="When its token ends.")
    expiresSoon = serializers.SerializerMethodField(help_text="Within APIM_TOKEN_WARNING_SECONDS.")
    messagesIn = serializers.IntegerField(source="messages_in", help_text="From the client.")
    bytesIn = serializers.IntegerField(source="bytes_in")
    messagesOut = serializers.IntegerField(source="messages_out", help_text="From the backend.")
    bytesOut = serializers.IntegerField(source="bytes_out")
    endedAt = Moment(source="ended_at", allow_null=True)
    endedBy = serializers.CharField(source="ended_by", help_text="client, backend or gateway.")
    clientCode = serializers.IntegerField(source="client_code", allow_null=True)
    backendCode = serializers.IntegerField(source="backend_code", allow_null=True)
    reason = serializers.CharField()

    def get_expiresSoon(self, row: ConnectionRecord) -> bool:  # noqa: N802 - as the other names
        """Whether it is about to be closed because its token ends."""
        return queries.ends_soon(row, settings.TOKEN_WARNING_SECONDS)


ConnectionList = list_of(ConnectionDocument, "ConnectionList")


class Connections(Resource):
    """Connections, the newest first."""

    @extend_schema(
        operation_id="listConnections",
        summary="List open or ended connections",
        tags=["Connections"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=list(STATES), description="open by default."),
            OpenApiParameter("apiId", str, description="Only those to this API."),
            OpenApiParameter("applicationId", str, description="Only those of this application."),
            OpenApiParameter("clientIp", str, description="Only those from this address."),
        ],
        responses=answers({200: ConnectionList}, 400),
    )
    def get(self, request: Request) -> Response:
        """Everybody's for the Publisher's people, for others those of their own applications."""
        rows = choose(request, "state", STATES, "open")(queries.connections_for(self.user), database_clock.now())
        wanted = {
            column: request.query_params[name] for name, column in FILTERS.items() if name in request.query_params
        }
        return Response(one_page(request, rows.filter(**wanted), lambda row: ConnectionDocument(row).data))


class OneConnection(Resource):
    """One connection."""

    @extend_schema(
        operation_id="getConnection",
        summary="Read a connection",
        tags=["Connections"],
        responses=answers({200: ConnectionDocument}, 404),
    )
    def get(self, request: Request, connection_id: str) -> Response:
        """Open or ended, for as long as the log is kept."""
        return Response(ConnectionDocument(queries.get_connection_for(self.user, connection_id)).data)

    @extend_schema(
        operation_id="closeConnection",
        summary="Close a connection",
        tags=["Connections"],
        parameters=[OpenApiParameter("reason", str, description="Told to the client; at most 123 bytes.")],
        responses=answers({202: ConnectionDocument}, 400, 403, 404, 409),
    )
    def delete(self, request: Request, connection_id: str) -> Response:
        """The client gets 4011 and the reason within a second."""
        row = operations.close_connection(
            connection=queries.get_connection_for(self.user, connection_id),
            reason=request.query_params.get("reason", ""),
            **self.by,
        )
        return Response(ConnectionDocument(row).data, status=202)
