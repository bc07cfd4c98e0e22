"""What your applications are subscribed to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import operations, queries
from devportal.api.applications import ApplicationInfo
from devportal.api.catalogue import CatalogueEntry
from devportal.models import Subscription
from publisher.models import Plan
from publisher.queries import plans_named

FIELD_NAMES = {"plan": "throttlingPolicy", "plans": "throttlingPolicy"}


class SubscriptionDocument(Strict):
    """The right of one application to call one API under one plan."""

    subscriptionId = serializers.UUIDField(source="id", read_only=True)
    applicationId = serializers.UUIDField(source="application_id")
    apiId = serializers.UUIDField(source="api_id")
    apiInfo = CatalogueEntry(source="api", read_only=True)
    applicationInfo = ApplicationInfo(source="application", read_only=True)
    throttlingPolicy = serializers.CharField(source="plan.name")
    requestedThrottlingPolicy = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    status = serializers.CharField(source="state", read_only=True)
    statusReason = serializers.CharField(
        source="reason", read_only=True, help_text="Why it does not work, in a sentence; empty if it does."
    )

    ignored: ClassVar[frozenset[str]] = frozenset({"apiInfo", "applicationInfo"})

    def to_representation(self, instance: Subscription) -> Any:
        """As it stands. What was asked for is what there is: a new plan takes effect, or waits, at once."""
        if (counted := getattr(instance, "subscription_count", None)) is not None:
            vars(instance.application).update(subscription_count=counted)  # where its own document looks for it
        document = super().to_representation(instance)
        return {**document, "requestedThrottlingPolicy": document["throttlingPolicy"]}


SubscriptionList = list_of(SubscriptionDocument, "SubscriptionList")


class Subscriptions(Resource):
    """The subscriptions of your applications."""

    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="listSubscriptions",
        summary="List your subscriptions",
        tags=["Subscriptions"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("apiId", str, description="Only those to this API."),
            OpenApiParameter("applicationId", str, description="Only those of this application."),
        ],
        responses=answers({200: SubscriptionList}, 400, 404),
    )
    def get(self, request: Request) -> Response:
        """By API and application."""
        rows = Subscription.objects.filter(application__owner=self.user)
        if application_id := request.query_params.get("applicationId"):
            rows = rows.filter(application=queries.application_for(self.user, application_id))
        if api_id := request.query_params.get("apiId"):
            rows = rows.filter(api=queries.api_for(self.user, api_id))
        related = rows.select_related("api__provider", "application__owner", "application__plan", "plan")
        related = related.prefetch_related("api__plans", "application__members__person")
        ordered = related.order_by("api__name", "api__version", "application__name")
        return Response(one_page(request, queries.with_subscription_counts(ordered), self.document))

    @extend_schema(
        operation_id="subscribe",
        summary="Subscribe an application to an API",
        tags=["Subscriptions"],
        request=SubscriptionDocument,
        responses=answers({201: SubscriptionDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request) -> Response:
        """It waits (ON_HOLD) if the plan has to be approved."""
        body = SubscriptionDocument(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        subscription = operations.subscribe(
            application=queries.application_for(self.user, given["application_id"]),
            api=queries.api_for(self.user, given["api_id"]),
            plan=_wanted(given),
            **self.by,
        )
        return Response(self.document(subscription), status=201)

    def document(self, subscription: Subscription) -> Any:
        """A subscription as the viewer sees it."""
        return SubscriptionDocument(subscription, context={"viewer": self.user}).data


class OneSubscription(Subscriptions):
    """One of your subscriptions."""

    http_method_names = ("get", "put", "delete", "head", "options")

    @extend_schema(
        operation_id="getSubscription",
        summary="Read a subscription",
        tags=["Subscriptions"],
        parameters=[],
        responses=answers({200: SubscriptionDocument}, 404),
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:  # type: ignore[override]
        """With its API and application."""
        return Response(self.document(queries.subscription_for(self.user, subscription_id)))

    @extend_schema(
        operation_id="changePlan",
        summary="Change the plan of a subscription",
        tags=["Subscriptions"],
        request=SubscriptionDocument,
        responses=answers({200: SubscriptionDocument}, 400, 403, 404, 409),
    )
    def put(self, request: Request, subscription_id: UUID) -> Response:
        """To whichever of `throttlingPolicy` and `requestedThrottlingPolicy` is new. Nothing else can be changed."""
        subscription = queries.subscription_for(self.user, subscription_id)
        body = SubscriptionDocument(subscription, data=request.data, context={"viewer": self.user})
        body.is_valid(raise_exception=True)
        fixed = {"application_id": "applicationId", "api_id": "apiId"}
        given = body.validated_data
        if moved := [name for field, name in fixed.items() if given[field] != getattr(subscription, field)]:
            sentence = "A subscription stays with its application and API. Make a new one instead."
            raise serializers.ValidationError(dict.fromkeys(moved, sentence))
        plan = _wanted(given, subscription.plan)
        if plan != subscription.plan:
            subscription = operations.change_plan(subscription=subscription, plan=plan, **self.by)
        return Response(self.document(subscription))

    @extend_schema(
        operation_id="unsubscribe",
        summary="End a subscription",
        tags=["Subscriptions"],
        responses=answers({200: None}, 403, 404, 409),
    )
    def delete(self, request: Request, subscription_id: UUID) -> Response:
        """Open connections that rest on it are closed."""
        operations.unsubscribe(subscription=queries.subscription_for(self.user, subscription_id), **self.by)
        return Response(status=200)


def _wanted(given: Mapping[str, Any], present: Plan | None = None) -> Plan:
    """The one plan that is asked for, which both fields may name, or one of them beside the `present` one."""
    names = {given["plan"]["name"], given.get("requestedThrottlingPolicy") or given["plan"]["name"]}
    wanted = [plan for plan in plans_named(names) if plan != present]
    if len(wanted) > 1:
        sentence = "This is another plan than throttlingPolicy. Name the plan that you want in both, or leave this out."
        raise serializers.ValidationError({"requestedThrottlingPolicy": sentence})
    return wanted[0] if wanted or present is None else present
