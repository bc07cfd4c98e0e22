"""What subscriptions and applications have used of their plans, what is left, and when that resets."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Moment, answers
from devportal import queries
from devportal.models import Subscription
from gateway.quotas.stores import unreachable
from gateway.statistics import usage
from publisher.api.access import IN_THE_PUBLISHER
from publisher.plan_terms import QuotaPeriod


class QuotaDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A quota in its present period, which is one of the calendar in UTC."""

    unit = serializers.ChoiceField(["messages", "bytes"])
    period = serializers.ChoiceField([period.value for period in QuotaPeriod])
    limit = serializers.IntegerField()
    used = serializers.IntegerField(help_text="May be a second old.")
    left = serializers.IntegerField()
    resetsAt = Moment(source="resets_at")


class ConnectionsDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Connections that are open at the same time."""

    limit = serializers.IntegerField()
    open = serializers.IntegerField()


class SubscriptionUsageDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What a subscription has used of its business plan; null where the plan sets no limit."""

    subscriptionId = serializers.UUIDField()
    throttlingPolicy = serializers.CharField()
    quota = QuotaDocument(allow_null=True)
    connections = ConnectionsDocument(allow_null=True)


class ApplicationUsageDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What an application has used of its plan with all its subscriptions together; null where there is no limit."""

    applicationId = serializers.UUIDField()
    throttlingPolicy = serializers.CharField()
    quota = QuotaDocument(allow_null=True)


class UsageUnknown(exceptions.APIException):
    """The store of usage does not answer."""

    status_code = 503
    default_detail = "What is used cannot be read at the moment. Try again in a few seconds."


class UsageOfSubscription(Resource):
    """The usage of one of your subscriptions."""

    @extend_schema(
        operation_id="getSubscriptionUsage",
        summary="Read what a subscription has used and has left",
        tags=["Usage"],
        responses=answers({200: SubscriptionUsageDocument}, 404, 503),
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        """In the present period of its plan."""
        return Response(_subscription_usage(queries.subscription_for(self.user, subscription_id)))


class SubscriberUsage(Resource):
    """The usage of somebody's subscription."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="getSubscriberUsage",
        summary="Read what a subscription has used and has left",
        tags=["Subscriptions"],
        responses=answers({200: SubscriptionUsageDocument}, 403, 404, 503),
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        """In the present period of its plan."""
        return Response(_subscription_usage(queries.subscriber_for(self.user, subscription_id)))


class ApplicationUsage(Resource):
    """The usage of one of your applications."""

    @extend_schema(
        operation_id="getApplicationUsage",
        summary="Read what an application has used and has left",
        tags=["Usage"],
        responses=answers({200: ApplicationUsageDocument}, 404, 503),
    )
    def get(self, request: Request, application_id: UUID) -> Response:
        """In the present minute, all its tokens together."""
        application = queries.application_for(self.user, application_id)
        try:
            used = usage.shared_quota(application, _now())
        except unreachable():
            raise UsageUnknown from None
        told = {"applicationId": application.pk, "throttlingPolicy": application.plan.name, "quota": used.quota}
        return Response(ApplicationUsageDocument(told).data)


def _subscription_usage(subscription: Subscription) -> dict[str, Any]:
    plan = subscription.plan
    try:
        (used,) = usage.usages_now([subscription], _now())
    except unreachable():
        raise UsageUnknown from None
    connections = None if plan.connections is None else {"limit": plan.connections, "open": used.usage.connections}
    told = {"subscriptionId": subscription.pk, "throttlingPolicy": plan.name}
    return SubscriptionUsageDocument({**told, "quota": used.usage.quota, "connections": connections}).data


def _now() -> datetime:
    """By the clock of the store, where it has one: periods begin and end by it."""
    return datetime.fromtimestamp(usage.shared_store().time() or time.time(), UTC)
