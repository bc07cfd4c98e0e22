"""Application plans as the Administration makes them, in WSO2's names. A plan is addressed by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource, who_may
from core.rest.documents import Constant, Strict, answers, list_of
from core.rest.etags import IF_MATCH, check_unchanged, etag
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import operations, queries
from devportal.models import ApplicationPlan
from publisher.api.quotas import APPLICATION_TYPE_SENTENCE, ApplicationLimit, default_limit, quota_fields, said
from publisher.permissions import require_manage_plans
from publisher.plan_terms import QuotaPeriod, QuotaUnit
from publisher.plan_validation import NAME_SENTENCE

FIELD_NAMES: Final = {"name": "policyName", "display_name": "displayName", "per_minute": "defaultLimit"}


class ApplicationPolicy(Strict):
    """An application plan. On PUT what is left out stays, and null takes the limit away."""

    policyId = serializers.CharField(source="name", read_only=True)
    policyName = serializers.CharField(source="name", error_messages=said(NAME_SENTENCE))
    displayName = serializers.CharField(source="display_name", required=False, allow_blank=True, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    isDeployed = Constant(True)
    type = Constant("ApplicationThrottlePolicy")
    defaultLimit = ApplicationLimit(
        required=False,
        allow_null=True,
        error_messages=said(APPLICATION_TYPE_SENTENCE),
        help_text="The quota; none for no limit.",
    )

    ignored: ClassVar[frozenset[str]] = frozenset({"isDeployed"})

    def to_representation(self, instance: ApplicationPlan) -> dict[str, Any]:
        """As WSO2 shows it."""
        return {
            "policyId": instance.name,
            "policyName": instance.name,
            "displayName": instance.display_name,
            "description": instance.description,
            "isDeployed": True,
            "type": "ApplicationThrottlePolicy",
            "defaultLimit": default_limit(instance.per_minute, QuotaUnit.MESSAGES, QuotaPeriod.MINUTE),
        }


PolicyList = list_of(ApplicationPolicy, "ApplicationPolicyList")


class ApplicationPolicies(Resource):
    """All application plans."""

    permission_classes = who_may(require_manage_plans)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="listApplicationPlans",
        summary="List the application plans",
        tags=["Application plans"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: PolicyList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """Those without a limit first."""
        return Response(one_page(request, queries.application_plans(), lambda plan: ApplicationPolicy(plan).data))

    @extend_schema(
        operation_id="createApplicationPlan",
        summary="Make an application plan",
        tags=["Application plans"],
        request=ApplicationPolicy,
        responses=answers({201: ApplicationPolicy}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """Developers may choose it at once."""
        body = ApplicationPolicy(data=request.data)
        body.is_valid(raise_exception=True)
        plan = operations.create_application_plan(fields=_fields(body.validated_data), **self.by)
        document = ApplicationPolicy(plan).data
        address = reverse("api:policies-api:application-policy", args=[plan.name])
        return Response(document, status=201, headers={"ETag": etag(document), "Location": address})


class OneApplicationPolicy(Resource):
    """One application plan."""

    permission_classes = who_may(require_manage_plans)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="getApplicationPlan",
        summary="Read an application plan",
        tags=["Application plans"],
        responses=answers({200: ApplicationPolicy}, 403, 404),
    )
    def get(self, request: Request, policy_id: str) -> Response:
        """With its ETag."""
        document = ApplicationPolicy(queries.get_application_plan(policy_id)).data
        return Response(document, headers={"ETag": etag(document)})

    @extend_schema(
        operation_id="updateApplicationPlan",
        summary="Change an application plan",
        tags=["Application plans"],
        parameters=[IF_MATCH],
        request=ApplicationPolicy,
        responses=answers({200: ApplicationPolicy}, 400, 403, 404, 412),
    )
    def put(self, request: Request, policy_id: str) -> Response:
        """What is left out stays. Acts on open connections too, within a second."""
        plan = queries.get_application_plan(policy_id)
        check_unchanged(request, etag(ApplicationPolicy(plan).data))
        body = ApplicationPolicy(plan, data=request.data)
        body.is_valid(raise_exception=True)
        changes = {key: value for key, value in _fields(body.validated_data).items() if value != getattr(plan, key)}
        if changes:
            plan = operations.update_application_plan(plan=plan, changes=changes, **self.by)
        document = ApplicationPolicy(plan).data
        return Response(document, headers={"ETag": etag(document)})

    @extend_schema(
        operation_id="deleteApplicationPlan",
        summary="Delete an application plan",
        tags=["Application plans"],
        parameters=[IF_MATCH],
        responses=answers({200: None}, 403, 404, 409, 412),
    )
    def delete(self, request: Request, policy_id: str) -> Response:
        """Refused while an application has it, and always for the plan that applications begin with."""
        plan = queries.get_application_plan(policy_id)
        check_unchanged(request, etag(ApplicationPolicy(plan).data))
        operations.delete_application_plan(plan=plan, **self.by)
        return Response(status=200)


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a valid body means in the fields of an application plan."""
    fields = {key: value for key, value in given.items() if key != "defaultLimit"}
    for text in ("display_name", "description"):
        if text in fields:
            fields[text] = fields[text] or ""
    if "defaultLimit" in given:
        fields["per_minute"] = quota_fields(given["defaultLimit"])["quota"]
    return fields
