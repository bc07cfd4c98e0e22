"""An API's life: where it stands, what may come next, and how it came there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import answers
from core.rest.etags import IF_MATCH, check_unchanged
from core.rest.requests import choose, query_value, required_query
from publisher import operations, queries
from publisher.api.apis import etag
from publisher.lifecycle import NO_CHECKS, TRANSITIONS, Action, AlreadyThere, Checklist, State, allowed_actions
from publisher.models import Api

CHECKS = {
    "Deprecate old versions after publishing the API": "deprecate_old_versions",
    "Requires re-subscription when publishing the API": "require_resubscription",
}
ACTIONS = {action.value: action for action in Action}
STATES: dict[str, State | None] = {"": None, **{state.value: state for state in State}}


class CheckItem(serializers.Serializer):  # type: ignore[type-arg]
    """Something else that may happen on the way to a state."""

    name = serializers.CharField()
    value = serializers.BooleanField()
    requiredStates = serializers.ListField(child=serializers.CharField())


class Transition(serializers.Serializer):  # type: ignore[type-arg]
    """One step that is possible now."""

    event = serializers.CharField()
    targetState = serializers.CharField()


class LifecycleStateDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Where an API stands."""

    state = serializers.CharField()
    checkItems = CheckItem(many=True)
    availableTransitions = Transition(many=True)


class WorkflowDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What became of a request: done at once, or created where an administrator has to approve it."""

    workflowStatus = serializers.ChoiceField(choices=["APPROVED", "CREATED"])
    lifecycleState = LifecycleStateDocument()


class HistoryItem(serializers.Serializer):  # type: ignore[type-arg]
    """One step that was taken."""

    previousState = serializers.CharField(required=False, help_text="Left out where the API was made.")
    postState = serializers.CharField()
    user = serializers.CharField()
    updatedTime = serializers.DateTimeField()


class History(serializers.Serializer):  # type: ignore[type-arg]
    """All steps, newest first."""

    count = serializers.IntegerField()
    list = HistoryItem(many=True)


class LifecycleState(Resource):
    """Where an API stands and where it can go."""

    @extend_schema(
        operation_id="getLifecycleState",
        summary="Read the lifecycle state",
        tags=["Lifecycle"],
        responses=answers({200: LifecycleStateDocument}, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """With the steps that lead on, and the ETag to take one of them with."""
        api = queries.get_api_for(self.user, api_id)
        return Response(_standing(api), headers={"ETag": etag(api)})


class LifecycleHistory(Resource):
    """How an API came to its state."""

    @extend_schema(
        operation_id="getLifecycleHistory",
        summary="Read the lifecycle history",
        tags=["Lifecycle"],
        responses=answers({200: History}, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """Newest first."""
        api = queries.get_api_for(self.user, api_id)
        steps = [
            {
                **({"previousState": entry.detail["from"]} if "from" in entry.detail else {}),
                "postState": entry.detail.get("to", State.CREATED.value),
                "user": entry.actor_name,
                "updatedTime": entry.at,
            }
            for entry in queries.lifecycle_history(api)
        ]
        return Response({"count": len(steps), "list": steps})


class ChangeLifecycle(Resource):
    """The step from one state to another."""

    @extend_schema(
        operation_id="changeLifecycle",
        summary="Move an API through its life",
        tags=["Lifecycle"],
        parameters=[
            required_query("apiId", "The API to move."),
            required_query("action", "The step to take.", enum=list(ACTIONS)),
            OpenApiParameter(
                "lifecycleChecklist", str, description=f"`NAME:true` with NAME one of: {'; '.join(CHECKS)}"
            ),
            OpenApiParameter("seenState", str, description="The state that the step is taken from.", enum=list(STATES)),
            IF_MATCH,
        ],
        request=None,
        responses=answers({200: WorkflowDocument}, 400, 403, 404, 409, 412),
    )
    def post(self, request: Request) -> Response:
        """Publishing deploys a first revision if none is deployed; to publish what is published changes nothing.

        With `seenState` or If-Match the step is refused if the API was moved by somebody else meanwhile.
        """
        query_value(request, "action")
        api = queries.get_api_for(self.user, query_value(request, "apiId"))
        check_unchanged(request, etag(api))
        action, seen = choose(request, "action", ACTIONS, ""), choose(request, "seenState", STATES, "")
        chosen = {}
        for item in filter(None, map(str.strip, request.query_params.get("lifecycleChecklist", "").split(","))):
            name, _, value = item.rpartition(":")
            if name.strip() not in CHECKS or value.strip().lower() not in {"true", "false"}:
                sentence = f"Write {', '.join(f'{each}:true' for each in CHECKS)}."
                raise exceptions.ValidationError({"lifecycleChecklist": sentence})
            chosen[CHECKS[name.strip()]] = value.strip().lower() == "true"
        checklist = Checklist(**chosen)
        waits = None
        try:
            waits = operations.move_api(api=api, action=action, checklist=checklist, seen=seen, **self.by)
            api = queries.get_api_for(self.user, api.pk)
        except AlreadyThere:
            if checklist != NO_CHECKS:
                raise
        body = {"workflowStatus": "CREATED" if waits else "APPROVED", "lifecycleState": _standing(api)}
        return Response(body, headers={"ETag": etag(api)})


class PendingTasks(Resource):
    """The step that waits for an administrator."""

    @extend_schema(
        operation_id="deleteAPILifecycleStatePendingTasks",
        summary="Take back a step that waits for approval",
        tags=["Lifecycle"],
        responses=answers({200: None}, 403, 404, 409),
    )
    def delete(self, request: Request, api_id: UUID) -> Response:
        """Refused with 409 where none waits."""
        operations.withdraw_request(api=queries.get_api_for(self.user, api_id), **self.by)
        return Response(status=200)


def _standing(api: Api) -> dict[str, Any]:
    steps = allowed_actions(api.stage)
    items = CHECKS if Action.PUBLISH in steps else {}
    return {
        "state": api.stage.label,
        "checkItems": [{"name": name, "value": False, "requiredStates": [State.PUBLISHED.label]} for name in items],
        "availableTransitions": [
            {"event": step.value, "targetState": TRANSITIONS[api.stage, step].label} for step in steps
        ],
    }
