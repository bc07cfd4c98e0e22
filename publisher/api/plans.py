"""Business plans in the two forms in which WSO2 lists them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from publisher import queries
from publisher.api.access import IN_THE_PUBLISHER
from publisher.api.quotas import NO_LIMIT, UNITS, data_amount, default_limit
from publisher.models import Plan
from publisher.plan_terms import Billing, QuotaPeriod, QuotaUnit

MILLISECONDS = {
    QuotaPeriod.MINUTE: 60_000,
    QuotaPeriod.HOUR: 3_600_000,
    QuotaPeriod.DAY: 86_400_000,
    QuotaPeriod.MONTH: 2_592_000_000,
}


class ThrottlingPolicy(serializers.Serializer):  # type: ignore[type-arg]
    """A plan on one line: so many messages (or so much data) in so many milliseconds."""

    name = serializers.CharField()
    displayName = serializers.CharField()
    description = serializers.CharField()
    policyLevel = serializers.ChoiceField(["subscription", "application"])
    requestCount = serializers.IntegerField(help_text=f"Messages, or data in dataUnit; {NO_LIMIT} means no limit.")
    dataUnit = serializers.CharField(help_text="Empty where messages are counted.")
    unitTime = serializers.IntegerField(help_text="Milliseconds; 0 where there is no limit.")
    timeUnit = serializers.CharField()
    rateLimitCount = serializers.IntegerField(help_text="Messages a second; 0 means no limit.")
    rateLimitTimeUnit = serializers.CharField(help_text="Empty where there is no rate.")
    quotaPolicyType = serializers.ChoiceField(["REQUESTCOUNT", "BANDWIDTHVOLUME"])
    tierPlan = serializers.ChoiceField(list(Billing))
    stopOnQuotaReach = serializers.BooleanField()


class EventCount(serializers.Serializer):  # type: ignore[type-arg]
    """So many messages."""

    timeUnit = serializers.CharField()
    unitTime = serializers.IntegerField()
    eventCount = serializers.IntegerField()


class Bandwidth(serializers.Serializer):  # type: ignore[type-arg]
    """So much data."""

    timeUnit = serializers.CharField()
    unitTime = serializers.IntegerField()
    dataAmount = serializers.IntegerField()
    dataUnit = serializers.CharField()


class Limit(serializers.Serializer):  # type: ignore[type-arg]
    """The quota of a plan."""

    type = serializers.ChoiceField(["EVENTCOUNTLIMIT", "BANDWIDTHLIMIT"])
    eventCount = EventCount(required=False)
    bandwidth = Bandwidth(required=False)


class StreamingPolicy(serializers.Serializer):  # type: ignore[type-arg]
    """A plan for streaming APIs."""

    policyId = serializers.IntegerField()
    policyName = serializers.CharField()
    displayName = serializers.CharField()
    description = serializers.CharField()
    defaultLimit = Limit()
    rateLimitCount = serializers.IntegerField()
    rateLimitTimeUnit = serializers.CharField()
    stopOnQuotaReach = serializers.BooleanField()
    billingPlan = serializers.ChoiceField(list(Billing))


PolicyList = list_of(ThrottlingPolicy, "ThrottlingPolicyList")
StreamingPolicyList = list_of(StreamingPolicy, "StreamingPolicyList")


class StreamingPlans(Resource):
    """The plans that an API can be offered under, with their quotas."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="listStreamingPolicies",
        summary="List the business plans with their limits",
        tags=["Plans"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: StreamingPolicyList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """The most generous last."""
        return Response(one_page(request, queries.all_plans(), streaming_policy))


class ThrottlingPolicies(Resource):
    """The plans that an API can be offered under, in brief."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="listThrottlingPolicies",
        summary="List the business plans",
        tags=["Plans"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: PolicyList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """The same plans as the streaming policies."""
        return Response(one_page(request, queries.all_plans(), throttling_policy))


class OnePlan(Resource):
    """One plan."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="getThrottlingPolicy",
        summary="Read a business plan",
        tags=["Plans"],
        responses=answers({200: ThrottlingPolicy}, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """By its name."""
        return Response(throttling_policy(queries.get_plan(name)))


def throttling_policy(plan: Plan) -> dict[str, Any]:
    """A business plan on one line."""
    in_bytes = plan.quota_unit == QuotaUnit.BYTES
    amount, unit = (NO_LIMIT if plan.quota is None else plan.quota), ""
    if plan.quota is not None and in_bytes:
        amount, unit = data_amount(plan.quota)
    return {
        "name": plan.name,
        "displayName": plan.display_name,
        "description": plan.description,
        "policyLevel": "subscription",
        "requestCount": amount,
        "dataUnit": unit,
        "unitTime": MILLISECONDS[QuotaPeriod(plan.quota_period)] if plan.quota else 0,
        "timeUnit": UNITS[QuotaPeriod(plan.quota_period)],
        "rateLimitCount": plan.rate or 0,
        "rateLimitTimeUnit": "sec" if plan.rate else "",
        "quotaPolicyType": "BANDWIDTHVOLUME" if in_bytes else "REQUESTCOUNT",
        "tierPlan": plan.billing,
        "stopOnQuotaReach": plan.is_quota_kept,
    }


def streaming_policy(plan: Plan) -> dict[str, Any]:
    """A business plan with its quota as an object."""
    return {
        "policyId": plan.pk,
        "policyName": plan.name,
        "displayName": plan.display_name,
        "description": plan.description,
        "defaultLimit": default_limit(plan.quota, plan.quota_unit, plan.quota_period),
        "rateLimitCount": plan.rate or 0,
        "rateLimitTimeUnit": "sec" if plan.rate else "",
        "stopOnQuotaReach": plan.is_quota_kept,
        "billingPlan": plan.billing,
    }
