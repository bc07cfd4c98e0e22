"""Connections over HTTP, below `/api/am/gateway/v1/`: who is connected to all workers, who was, and closing one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

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
from gateway.connections import board, live, operations, queries
from gateway.models import ConnectionRecord
from publisher import permissions as publishing
from publisher.queries import get_api_for

Narrow = Callable[[QuerySet[ConnectionRecord], datetime], QuerySet[ConnectionRecord]]

STATES: dict[str, Narrow] = {
    "open": queries.open_among,
    "ended": lambda rows, now: rows.exclude(ended_at=None),
    "all": lambda rows, now: rows,
}
FILTERS = {"apiId": "api_id", "applicationId": "application_id", "clientIp": "client_ip"}


class ConnectionDocument(serializers.Serializer):  # type: ignore[type-arg]
    """One connection. What describes its end is null until then.

    Traffic of an open one is a second old while its connections are asked for or looked at on a page, and ten at most.
    """

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
    workerId = serializers.CharField(source="worker_id", help_text="The gateway's process that holds it.")
    topic = serializers.CharField(help_text="As the API declares it; empty where it declares none.")
    subprotocol = serializers.CharField()
    startedAt = Moment(source="started_at")
    expiresAt = Moment(source="expires_at", help_text="When its token ends.")
    expiresSoon = serializers.SerializerMethodField(help_text="Within APIM_TOKEN_WARNING_SECONDS.")
    messagesIn = serializers.IntegerField(source="messages_in", help_text="From the client.")
    bytesIn = serializers.IntegerField(source="bytes_in")
    messagesOut = serializers.IntegerField(source="messages_out", help_text="From the backend.")
    bytesOut = serializers.IntegerField(source="bytes_out")
    messagesPerSecondIn = serializers.FloatField(source="rate_in", help_text="In the second before; 0 once it ended.")
    messagesPerSecondOut = serializers.FloatField(source="rate_out")
    waits = serializers.CharField(help_text="What holds it up: plan, backpressure, or nothing.")
    lastActivityAt = Moment(source="active_at", allow_null=True)
    endedAt = Moment(source="ended_at", allow_null=True)
    endedBy = serializers.CharField(source="ended_by", help_text="client, backend or gateway.")
    clientCode = serializers.IntegerField(source="client_code", allow_null=True)
    backendCode = serializers.IntegerField(source="backend_code", allow_null=True)
    reason = serializers.CharField()

    def get_expiresSoon(self, row: ConnectionRecord) -> bool:  # noqa: N802 - as the other names
        """Whether it is about to be closed because its token ends."""
        left = row.expires_at - database_clock.now()
        return row.ended_at is None and left <= timedelta(seconds=settings.TOKEN_WARNING_SECONDS)


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
        answer = one_page(request, rows.filter(**wanted), lambda row: row)
        # What workers are to report so that the next answer is fresh.
        scope = f"api:{wanted['api_id']}"[:48] if "api_id" in wanted else live.EVERYTHING
        live.watch(scope if publishing.can_enter(self.user) else f"owner:{self.user.pk}", database_clock.now())
        board.freshen([row for row in answer["list"] if row.ended_at is None], database_clock.now())
        return Response({**answer, "list": ConnectionDocument(answer["list"], many=True).data})


class ClosingsDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Which open connections to close: those named, or all that the other fields fit. At least one of them is given."""

    connectionIds = serializers.ListField(child=serializers.CharField(max_length=32), required=False, max_length=1000)
    apiId = serializers.CharField(required=False, max_length=36)
    applicationId = serializers.CharField(required=False, max_length=36)
    clientIp = serializers.CharField(required=False, max_length=45)
    reason = serializers.CharField(required=False, allow_blank=True, default="", help_text="At most 123 bytes.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Nobody closes everything by an empty body."""
        if not set(attrs) - {"reason"}:
            raise serializers.ValidationError("Name the connections, or an API, an application or an address.")
        return attrs


class ClosedDocument(serializers.Serializer):  # type: ignore[type-arg]
    """How many connections are being closed."""

    count = serializers.IntegerField()


class Closings(Resource):
    """Closing many."""

    @extend_schema(
        operation_id="closeConnections",
        summary="Close many connections",
        tags=["Connections"],
        request=ClosingsDocument,
        responses=answers({202: ClosedDocument}, 400, 403),
    )
    def post(self, request: Request) -> Response:
        """Each client gets 4011 and the reason within a second. What has ended already, or is hidden, is left out."""
        body = ClosingsDocument(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        rows = queries.open_among(queries.connections_for(self.user), database_clock.now())
        rows = rows.filter(**{column: asked[name] for name, column in FILTERS.items() if name in asked})
        if "connectionIds" in asked:
            rows = rows.filter(pk__in=asked["connectionIds"])
        closed = operations.close_connections(connections=list(rows), reason=asked["reason"], **self.by)
        return Response({"count": len(closed)}, status=202)


class DrainDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Which API, and over how many seconds its connections are closed one after the other."""

    apiId = serializers.UUIDField()
    seconds = serializers.FloatField(default=30.0, min_value=0, max_value=operations.LONGEST_DRAIN)


class Drains(Resource):
    """Sending all clients of an API away, to come back."""

    @extend_schema(
        operation_id="drainApi",
        summary="Drain the connections to an API",
        tags=["Connections"],
        request=DrainDocument,
        responses=answers({202: ClosedDocument}, 400, 403, 404),
    )
    def post(self, request: Request) -> Response:
        """Each client gets 1012. Who connects after this was asked for stays."""
        body = DrainDocument(data=request.data)
        body.is_valid(raise_exception=True)
        api = get_api_for(self.user, body.validated_data["apiId"])
        number = operations.drain_api(api_id=str(api.pk), seconds=body.validated_data["seconds"], **self.by)
        return Response({"count": number}, status=202)


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
