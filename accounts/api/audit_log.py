"""The audit log over HTTP, at `/api/am/admin/v4/audit-log`."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries
from accounts.audit_log import AuditLogFilters
from accounts.forms import AuditLogForm
from accounts.permissions import require_read_audit_log
from accounts.rest import Resource, who_may
from core.rest.documents import answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page

NAMES = {"actor": "actor", "kind": "kind", "verb": "verb", "objectId": "object_id", "since": "since", "until": "until"}


class AuditEntryDocument(serializers.Serializer):  # type: ignore[type-arg]
    """One change of state."""

    id = serializers.IntegerField(source="pk")
    at = serializers.DateTimeField()
    actor = serializers.CharField(source="actor_name")
    verb = serializers.CharField()
    kind = serializers.CharField()
    objectId = serializers.CharField(source="object_id")
    detail = serializers.DictField()


AuditEntryList = list_of(AuditEntryDocument, "AuditEntryList")


class AuditLog(Resource):
    """The audit log."""

    permission_classes = who_may(require_read_audit_log)

    @extend_schema(
        operation_id="listAuditEntries",
        summary="Read the audit log",
        tags=["Audit log"],
        parameters=[
            *PAGE_PARAMETERS,
            *(OpenApiParameter(name, str, description="Only entries that fit.") for name in NAMES),
            OpenApiParameter("before", int, description="Only entries with a smaller id."),
        ],
        responses=answers({200: AuditEntryList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """The newest first. Days are written 2026-11-27, and both belong to the answer."""
        wanted = request.query_params
        form = AuditLogForm(
            {**{field: wanted.get(name, "") for name, field in NAMES.items()}, "before": wanted.get("before")}
        )
        if not form.is_valid():
            fields = {field: name for name, field in NAMES.items()}
            raise exceptions.ValidationError(
                {fields.get(name, name): list(map(str, each)) for name, each in form.errors.items()}
            )
        rows = queries.audit_log(self.user, AuditLogFilters(**form.cleaned_data))
        return Response(one_page(request, rows, lambda row: AuditEntryDocument(row).data))
