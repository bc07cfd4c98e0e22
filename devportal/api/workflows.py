"""What waits for a decision, below `/api/am/admin/v4/workflows`: WSO2's paths and names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import operations as accounts
from accounts.models import User
from accounts.permissions import require_manage_users
from accounts.queries import get_user, waiting_sign_ups
from accounts.rest import Resource, who_may
from core.errors import NotFound
from core.rest.documents import Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import operations, queries
from devportal.models import LONGEST_REASON
from devportal.subscription_states import SubscriptionState
from publisher import operations as apis
from publisher.lifecycle import RequestStatus
from publisher.queries import get_lifecycle_request, requests_of_lifecycles

SIGN_UP, APPLICATION, SUBSCRIPTION = "AM_USER_SIGNUP", "AM_APPLICATION_CREATION", "AM_SUBSCRIPTION_CREATION"
STEP = "AM_API_STATE"
TYPES = (SIGN_UP, APPLICATION, SUBSCRIPTION, STEP)
REFERENCE = re.compile(rf"({'|'.join(TYPES)}):([0-9a-f-]{{1,36}})")


class WorkflowNotFound(NotFound):
    """Nothing of this reference waits."""

    sentence = "Nothing waits under this reference. It may have been decided meanwhile."


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
        kind, _ = parts_of(reference)
        row = next((row for row in waiting(self.user, kind) if row["referenceId"] == reference), None)
        if row is None:
            raise WorkflowNotFound
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
        kind, pk = parts_of(request.query_params.get("workflowReferenceId", ""))
        body = WorkflowDecision(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        decide(
            kind, pk, given["status"] == "APPROVED", given.get("description", ""), actor=self.user, now=self.by["now"]
        )
        return Response(given)


def waiting(viewer: User, kind: str) -> Iterator[dict[str, Any]]:
    """What waits of one kind, as REST shows it."""
    if kind == SIGN_UP:
        for user in waiting_sign_ups(viewer):
            yield _info(kind, user.pk, user.date_joined, f"{user.username} wants an account.")
    elif kind == APPLICATION:
        for row in queries.waiting_applications():
            yield _info(kind, row.pk, row.created_at, f"Application {row.name} of {row.owner.username}.")
    elif kind == SUBSCRIPTION:
        for each in queries.waiting_subscriptions(viewer):
            yield _info(kind, each.pk, each.created_at, f"{each} under {each.plan.name}.")
    else:
        for step in requests_of_lifecycles(RequestStatus.PENDING):
            yield _info(kind, step.pk, step.created_at, f"{step}, asked for by {step.requester.username}.")


def decide(kind: str, pk: str, is_approved: bool, reason: str, *, actor: User, now: datetime) -> None:
    """Take the decision, whatever it is about."""
    if kind == SIGN_UP:
        user = get_user(actor, int(pk))
        if is_approved:
            accounts.approve_sign_up(user=user, actor=actor, now=now)
        else:
            accounts.reject_sign_up(user=user, reason=reason, actor=actor, now=now)
    elif kind == APPLICATION:
        application = queries.waiting_application(pk)
        operations.decide_application(
            application=application, is_approved=is_approved, reason=reason, actor=actor, now=now
        )
    elif kind == STEP:
        request = get_lifecycle_request(pk)
        if is_approved:
            apis.approve_request(request=request, actor=actor, now=now)
        else:
            apis.reject_request(request=request, reason=reason, actor=actor, now=now)
    else:
        state = SubscriptionState.UNBLOCKED if is_approved else SubscriptionState.REJECTED
        row = queries.subscriber_for(actor, pk)
        operations.set_subscription_state(subscription=row, state=state, reason=reason, actor=actor, now=now)


def parts_of(reference: str) -> tuple[str, str]:
    """Kind and id. Raises WorkflowNotFound where it is no reference."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise WorkflowNotFound
    kind, pk = match[1], match[2]
    try:
        return (kind, str(int(pk))) if kind == SIGN_UP else (kind, str(uuid.UUID(pk)))
    except ValueError:
        raise WorkflowNotFound from None


def _info(kind: str, pk: object, at: datetime, description: str) -> dict[str, Any]:
    return {
        "workflowType": kind,
        "workflowStatus": "CREATED",
        "createdTime": at,
        "referenceId": f"{kind}:{pk}",
        "description": description,
    }
