"""What fails over HTTP, below `/api/am/gateway/v1/`: grouped causes of the last week, and one request by its id."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Moment, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, choose, one_page
from gateway.api.narrowing import narrowed
from gateway.observability import diagnosis


class FindingDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What happened to one client for one cause."""

    kind = serializers.SerializerMethodField(help_text="handshake or close.")
    status = serializers.IntegerField(help_text="HTTP status of a refused handshake; 0 for a close.")
    code = serializers.IntegerField(help_text="Of the refusal's body, or of the Close.")
    sentence = serializers.CharField(help_text="What the client was told.")
    cause = serializers.CharField(source="advice.cause")
    atFault = serializers.CharField(source="advice.at_fault", help_text="The header or the setting.")
    remedy = serializers.CharField(source="advice.remedy")
    apiId = serializers.CharField(source="api_id")
    applicationId = serializers.CharField(source="application_id")
    clientIp = serializers.CharField(source="client_ip")
    times = serializers.IntegerField()
    firstAt = Moment(source="first")
    lastAt = Moment(source="last")
    requestId = serializers.CharField(source="request_id", help_text="Of the last.")

    def get_kind(self, finding: diagnosis.Finding) -> str:
        """What failed."""
        return "handshake" if finding.is_handshake else "close"


FindingList = list_of(FindingDocument, "FindingList")
KINDS = {"all": "", "handshakes": "handshakes", "closes": "closes"}


class Diagnostics(Resource):
    """Failed handshakes and abnormal closes of the last seven days, the newest first."""

    @extend_schema(
        operation_id="listDiagnostics",
        summary="List what failed, with its remedy",
        tags=["Diagnostics"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("kind", str, enum=list(KINDS), description="all by default."),
            OpenApiParameter("apiId", str, description="Only at this API."),
            OpenApiParameter("applicationId", str, description="Only of this application."),
            OpenApiParameter("requestId", str, description="Only this request, of any age that is kept."),
        ],
        responses=answers({200: FindingList}, 400),
    )
    def get(self, request: Request) -> Response:
        """Everything for the Publisher's people, for others what concerns their own applications."""
        kind = choose(request, "kind", KINDS, "all")
        asked = {"request_id": request.query_params.get("requestId", ""), "kind": kind}
        found = diagnosis.findings(timezone.now(), **asked, **narrowed(request, self.user))
        return Response(one_page(request, found, lambda each: FindingDocument(each).data))
