"""What waits for a decision, below `/api/am/admin/v4/workflows`: WSO2's paths and names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import require_manage_users
from accounts.rest import Resource, who_may
from core.rest.documents import Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal.models import LONGEST_REASON
from devportal.operations.approvals import QUEUES, NothingWaits, decide

NAMES = {queue.workflow: name for name, queue in QUEUES.items()}
TYPES = tuple(NAMES)


class WorkflowInfo(serializers.Serializer):  # type: ignore[type-arg]
    """Something that waits for a decision."""

    workflowType = serializers.ChoiceField(TYPES)
    workflowStatus = serializers.ChoiceField(["CREATED"])
    createdTime = serializers.DateTimeField()
    referenceId = serializers.CharField()
    description = serializers.CharField()


class WorkflowDecision(Strict):
    """APPROVED or REJECTED, and why."""

    status = serializers.ChoiceField(["APPROVED", "REJECTED"])
    description = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_REASON)


WorkflowList = list_of(WorkflowInfo, "WorkflowList")


class Workflows(Resource):
    """Everything that waits."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="listWorkflows",
        summary="List what waits for a decision",
        tags=["Workflows"],
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("workflowType", str, enum=list(TYPES))],
        responses=answers({200: WorkflowList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """Of one kind after the other, the oldest first."""
        kind = request.query_params.get("workflowType", "")
        if kind and kind not in TYPES:
            raise exceptions.ValidationError({"workflowType": f"Choose one of {', '.join(TYPES)}."})
        found = [row for each in TYPES if kind in ("", each) for row in waiting(self.user, each)]
        return Response(one_page(request, found, lambda row: row))


class OneWorkflow(Resource):
    """One thing that waits."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="getWorkflow",
        summary="Read what waits for a decision",
        tags=["Workflows"],
        responses=answers({200: WorkflowInfo}, 403, 404),
    )
    def get(self, request: Request, reference: str) -> Response:
        """By its reference."""
        workflow, _, _ = reference.partition(":")
        row = next((row for row in waiting(self.user, workflow) if row["referenceId"] == reference), None)
        if row is None:
            raise NothingWaits
        return Response(row)


class UpdateWorkflowStatus(Resource):
    """Decisions."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="updateWorkflowStatus",
        summary="Approve or reject what waits",
        tags=["Workflows"],
        parameters=[OpenApiParameter("workflowReferenceId", str, required=True)],
        request=WorkflowDecision,
        responses=answers({200: WorkflowDecision}, 400, 403, 404, 409),
    )
    def post(self, request: Request) -> Response:
        """They are told, with the reason."""
        workflow, _, pk = request.query_params.get("workflowReferenceId", "").partition(":")
        body = WorkflowDecision(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        decide(
            queue=NAMES.get(workflow, ""),
            pk=pk,
            is_approved=given["status"] == "APPROVED",
            reason=given.get("description", ""),
            **self.by,
        )
        return Response(given)


def waiting(viewer: User, workflow: str) -> Iterator[dict[str, Any]]:
    """What waits of one kind, as REST shows it; nothing of a kind that there is not."""
    queue = QUEUES.get(NAMES.get(workflow, ""))
    for each in map(queue.about, queue.rows(viewer)) if queue else ():
        yield {
            "workflowType": workflow,
            "workflowStatus": "CREATED",
            "createdTime": each.at,
            "referenceId": f"{workflow}:{each.pk}",
            "description": each.description,
        }
