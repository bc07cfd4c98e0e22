"""Who is subscribed, for the Publisher: list, block, unblock, change the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import answers, list_of
from core.rest.requests import PAGE_PARAMETERS, choose, one_page, query_value, required_query
from devportal import operations, queries
from devportal.api.subscriptions import FIELD_NAMES
from devportal.models import Subscription
from devportal.subscription_states import BLOCKING, SubscriptionState
from publisher.api.access import IN_THE_PUBLISHER
from publisher.queries import get_api_for, plans_named

BLOCKS = {state.value: state.value for state in sorted(BLOCKING)}


class SubscriberApplication(serializers.Serializer):  # type: ignore[type-arg]
    """An application that is subscribed."""

    applicationId = serializers.UUIDField()
    name = serializers.CharField()
    subscriber = serializers.CharField()
    description = serializers.CharField()
    subscriptionCount = serializers.IntegerField()


class Subscriber(serializers.Serializer):  # type: ignore[type-arg]
    """One subscription to an API."""

    subscriptionId = serializers.UUIDField(source="id")
    applicationInfo = serializers.SerializerMethodField()
    throttlingPolicy = serializers.CharField(source="plan.name")
    subscriptionStatus = serializers.CharField(source="state")

    @extend_schema_field(SubscriberApplication)
    def get_applicationInfo(self, row: Subscription) -> dict[str, Any]:  # noqa: N802 - the field's name is WSO2's
        """Whose it is, with the count of the list's query where there is one."""
        application, counted = row.application, getattr(row, "subscription_count", None)
        return {
            "applicationId": str(application.pk),
            "name": application.name,
            "subscriber": application.owner.username,
            "description": application.description,
            "subscriptionCount": application.subscriptions.count() if counted is None else counted,
        }


SubscriberList = list_of(Subscriber, "SubscriberList")


class Subscribers(Resource):
    """Everybody's subscriptions."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="listSubscribers",
        summary="List the subscriptions to an API, or to all",
        tags=["Subscriptions"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("apiId", str, description="Only those to this API."),
            OpenApiParameter("query", str, description="Words of the application's name or its owner's."),
        ],
        responses=answers({200: SubscriberList}, 400, 403, 404),
    )
    def get(self, request: Request) -> Response:
        """Those to one API by application, those to all of them the newest first."""
        api_id = request.query_params.get("apiId")
        text = request.query_params.get("query", "")
        rows = queries.all_subscribers(self.user, text=text)
        order = ["-created_at", "-pk"]
        if api_id:
            rows, order = rows.filter(api=get_api_for(self.user, api_id)), ["application__name", "created_at", "pk"]
        ordered = queries.with_subscription_counts(rows.order_by(*order))
        return Response(one_page(request, ordered, lambda row: Subscriber(row).data))


class OneSubscriber(Resource):
    """A change to somebody's subscription."""

    field_names: ClassVar[Mapping[str, str]] = {**FIELD_NAMES, "plan": "businessPlan", "plans": "businessPlan"}

    def subscription(self, request: Request) -> Subscription:
        """The one named in the query. Raises SubscriptionNotFound, also for strangers."""
        return queries.subscriber_for(self.user, query_value(request, "subscriptionId"))

    def moved(self, request: Request, state: str) -> Response:
        """The subscription after it was put into `state`."""
        row = operations.set_subscription_state(subscription=self.subscription(request), state=state, **self.by)
        return Response(Subscriber(row).data)


ONE_SUBSCRIPTION = required_query("subscriptionId", "The subscription.")
AFTERWARDS: Any = answers({200: Subscriber}, 400, 403, 404, 409)


class Block(OneSubscriber):
    """Stop a subscriber."""

    @extend_schema(
        operation_id="blockSubscription",
        summary="Block a subscription",
        tags=["Subscriptions"],
        parameters=[ONE_SUBSCRIPTION, required_query("blockState", "What to block.", enum=list(BLOCKS))],
        request=None,
        responses=AFTERWARDS,
    )
    def post(self, request: Request) -> Response:
        """Open connections are closed. It holds for all applications of the owner at this API, later ones too."""
        query_value(request, "blockState")
        return self.moved(request, choose(request, "blockState", BLOCKS, ""))


class Unblock(OneSubscriber):
    """Let a subscriber go on."""

    @extend_schema(
        operation_id="unblockSubscription",
        summary="Unblock a subscription",
        tags=["Subscriptions"],
        parameters=[ONE_SUBSCRIPTION],
        request=None,
        responses=AFTERWARDS,
    )
    def post(self, request: Request) -> Response:
        """It may connect again at once, and so may its owner's other applications."""
        return self.moved(request, SubscriptionState.UNBLOCKED)


class OwnerBlockDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Somebody who is kept out of an API with all applications."""

    blockId = serializers.UUIDField(source="id")
    apiId = serializers.UUIDField(source="api_id")
    subscriber = serializers.CharField(source="owner.username")
    blockState = serializers.ChoiceField(list(BLOCKS), source="state")
    since = serializers.DateTimeField(source="created_at")


OwnerBlockList = list_of(OwnerBlockDocument, "OwnerBlockList")


class OwnerBlocks(Resource):
    """Who is blocked, subscribed or not."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="listBlocks",
        summary="List who is blocked from an API, or from any",
        tags=["Subscriptions"],
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("apiId", str, description="Only from this API.")],
        responses=answers({200: OwnerBlockList}, 400, 403, 404),
    )
    def get(self, request: Request) -> Response:
        """By name. A block stays when the application that was blocked is deleted."""
        api_id = request.query_params.get("apiId")
        rows = queries.blocks(self.user, get_api_for(self.user, api_id) if api_id else None)
        return Response(one_page(request, rows, lambda row: OwnerBlockDocument(row).data))


class OneOwnerBlock(Resource):
    """One block."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="liftBlock",
        summary="Lift a block",
        tags=["Subscriptions"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, block_id: UUID) -> Response:
        """The person may connect again at once, with every application."""
        operations.lift_block(block=queries.block_for(self.user, block_id), **self.by)
        return Response(status=200)


class ChangePlan(OneSubscriber):
    """Give a subscriber another plan."""

    @extend_schema(
        operation_id="changeBusinessPlan",
        summary="Change the plan of a subscription",
        tags=["Subscriptions"],
        parameters=[ONE_SUBSCRIPTION, required_query("businessPlan", "The name of the plan.")],
        request=None,
        responses=AFTERWARDS,
    )
    def post(self, request: Request) -> Response:
        """The API must be offered under it."""
        subscription = self.subscription(request)
        (plan,) = plans_named([query_value(request, "businessPlan")])
        return Response(Subscriber(operations.change_plan(subscription=subscription, plan=plan, **self.by)).data)
