"""The plans that an application or a subscription can have."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import answers
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import queries
from devportal.models import ApplicationPlan
from publisher.api.plans import PolicyList, ThrottlingPolicy, throttling_policy
from publisher.api.quotas import NO_LIMIT
from publisher.queries import all_plans, get_plan


class ApplicationPlans(Resource):
    """The quotas that an application's tokens share."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="listApplicationPolicies",
        summary="List the plans of applications",
        tags=["Plans"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: PolicyList}, 400),
    )
    def get(self, request: Request) -> Response:
        """The default first."""
        return Response(one_page(request, queries.application_plans(), application_policy))


class OneApplicationPlan(Resource):
    """One plan of applications."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="getApplicationPolicy",
        summary="Read a plan of applications",
        tags=["Plans"],
        responses=answers({200: ThrottlingPolicy}, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """By its name."""
        return Response(application_policy(queries.get_application_plan(name)))


class BusinessPlans(Resource):
    """The plans that a subscription can have."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="listSubscriptionPolicies",
        summary="List the business plans",
        tags=["Plans"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: PolicyList}, 400),
    )
    def get(self, request: Request) -> Response:
        """Which of them an API offers stands with the API."""
        return Response(one_page(request, all_plans(), throttling_policy))


class OneBusinessPlan(Resource):
    """One business plan."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="getSubscriptionPolicy",
        summary="Read a business plan",
        tags=["Plans"],
        responses=answers({200: ThrottlingPolicy}, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """By its name."""
        return Response(throttling_policy(get_plan(name)))


def application_policy(plan: ApplicationPlan) -> dict[str, Any]:
    """A plan of applications on one line."""
    return {
        "name": plan.name,
        "displayName": plan.display_name,
        "description": plan.description,
        "policyLevel": "application",
        "requestCount": plan.per_minute or NO_LIMIT,
        "dataUnit": "",
        "unitTime": 60_000 if plan.per_minute else 0,
        "timeUnit": "min",
        "rateLimitCount": 0,
        "rateLimitTimeUnit": "",
        "quotaPolicyType": "REQUESTCOUNT",
        "tierPlan": "FREE",
        "stopOnQuotaReach": True,
    }
