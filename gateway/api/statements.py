"""Monthly statements over HTTP, below `/api/am/gateway/v1/`."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Moment, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from gateway.api.narrowing import BY_API_AND_APPLICATION, narrowed
from gateway.models import MonthlyStatement


class StatementDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What an application used of an API in one month of UTC."""

    month = serializers.CharField(help_text="2026-11")
    applicationId = serializers.CharField(source="application_id")
    applicationName = serializers.CharField(source="application_name")
    apiId = serializers.CharField(source="api_id")
    apiName = serializers.CharField(source="api_name")
    opened = serializers.IntegerField()
    connectionMilliseconds = serializers.IntegerField(source="milliseconds")
    messagesIn = serializers.IntegerField(source="messages_in")
    bytesIn = serializers.IntegerField(source="bytes_in")
    messagesOut = serializers.IntegerField(source="messages_out")
    bytesOut = serializers.IntegerField(source="bytes_out")
    frozenAt = Moment(source="frozen_at")


StatementList = list_of(StatementDocument, "StatementList")


class Statements(Resource):
    """Statements of months that have closed, the newest first."""

    @extend_schema(
        operation_id="listStatements",
        summary="List monthly statements",
        tags=["Usage"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("month", str, description="Only of this month: 2026-11."),
            *BY_API_AND_APPLICATION,
        ],
        responses=answers({200: StatementList}, 400),
    )
    def get(self, request: Request) -> Response:
        """Everybody's for the Publisher's people, for others those of their own applications."""
        rows = MonthlyStatement.objects.order_by("-month", "application_name", "api_name", "pk")
        rows = rows.filter(**narrowed(request, self.user, month="month"))
        return Response(one_page(request, rows, lambda row: StatementDocument(row).data))
