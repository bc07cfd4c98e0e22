"""Business plans as the Administration makes them: WSO2's names, and further fields beside them.

A plan is addressed by its name, which never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.db.models import Count
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource, who_may
from core.rest.documents import Constant, Neutral, Strict, answers, list_of, says_nothing
from core.rest.etags import IF_MATCH, check_unchanged, etag
from core.rest.requests import PAGE_PARAMETERS, one_page
from publisher import impact, operations, plan_validation
from publisher.api.quotas import TYPE_SENTENCE, Chosen, DefaultLimit, PlanNumber, default_limit, quota_fields, said
from publisher.models import Plan
from publisher.permissions import require_manage_plans
from publisher.plan_terms import ExceededAction
from publisher.queries import all_plans, get_plan

FIELD_NAMES: Final = {
    "name": "policyName",
    "display_name": "displayName",
    "billing": "billingPlan",
    "roles": "permissions.roles",
    "quota": "defaultLimit",
    "quota_unit": "defaultLimit.type",
    "quota_period": "defaultLimit",
    "rate": "rateLimitCount",
    "connects": "connectsPerMinute",
    "message_bytes": "messageBytes",
    "applications": "applicationsPerOwner",
    "over_rate": "overRate",
    "over_quota": "overQuota",
    "requires_approval": "requiresApproval",
}
ONLY_HERE: Final = frozenset({"defaultLimit", "rateLimitTimeUnit", "stopOnQuotaReach", "permissions"})
YES_OR_NO: Final = said("This is either true or false.")
PASS: Final = ExceededAction.PASS.value
CONTRADICTION: Final = (
    "Where stopOnQuotaReach is true this is close or drop, where it is false it is pass. Send one of the two only."
)
ALLOW: Final = "Say ALLOW, and name the roles that may pick the plan; other people cannot."


class Permissions(Strict):
    """Who may pick a plan: those who hold one of these roles."""

    permissionType = Chosen(["ALLOW"], ALLOW)
    roles = serializers.ListField(child=serializers.CharField(), error_messages=said(ALLOW))


class SubscriptionPolicy(Strict):
    """A business plan. On PUT what is left out stays, and null takes a limit away."""

    policyId = serializers.CharField(source="name", read_only=True)
    policyName = serializers.CharField(source="name", error_messages=said(plan_validation.NAME_SENTENCE))
    displayName = serializers.CharField(source="display_name", required=False, allow_blank=True, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    isDeployed = Constant(True)
    type = Constant("SubscriptionThrottlePolicy")
    defaultLimit = DefaultLimit(
        required=False,
        allow_null=True,
        error_messages=said(TYPE_SENTENCE),
        help_text="The quota; none for no limit.",
    )
    stopOnQuotaReach = serializers.BooleanField(
        required=False, error_messages=YES_OR_NO, help_text="Whether the quota is kept; overQuota says how."
    )
    rateLimitCount = PlanNumber(
        "rate", source="rate", min_value=0, required=False, allow_null=True, help_text="Messages a second; 0: no limit."
    )
    rateLimitTimeUnit = Chosen(
        ["sec"], "A rate is counted per second: send sec.", required=False, allow_null=True, allow_blank=True
    )
    burst = PlanNumber("burst", required=False, allow_null=True, help_text="Messages at once, at least the rate.")
    connections = PlanNumber("connections", required=False, allow_null=True, help_text="Open at the same time.")
    connectsPerMinute = PlanNumber("connects", source="connects", required=False, allow_null=True)
    messageBytes = PlanNumber("message_bytes", source="message_bytes", required=False, allow_null=True)
    applicationsPerOwner = PlanNumber(
        "applications",
        source="applications",
        required=False,
        allow_null=True,
        help_text="Of one person, subscribed to one API; 10 if left out, null: no limit.",
    )
    counted = Chosen(*plan_validation.CHOICES["counted"], required=False)
    overRate = Chosen(*plan_validation.CHOICES["over_rate"], source="over_rate", required=False)
    overQuota = Chosen(*plan_validation.CHOICES["over_quota"], source="over_quota", required=False)
    requiresApproval = serializers.BooleanField(source="requires_approval", required=False, error_messages=YES_OR_NO)
    uncompressed = serializers.BooleanField(
        required=False, error_messages=YES_OR_NO, help_text="Compression is declined, so that bytes are those inside."
    )
    billingPlan = Chosen(*plan_validation.CHOICES["billing"], source="billing", required=False)
    permissions = Permissions(
        required=False, allow_null=True, error_messages=said(ALLOW), help_text="Who may pick it; null: everybody."
    )
    subscriberCount = serializers.IntegerField(read_only=True, help_text="Subscriptions under it now.")

    ignored: ClassVar[frozenset[str]] = frozenset({"subscriberCount", "isDeployed"})

    neutral: ClassVar[Mapping[str, Neutral]] = {
        "monetization": Neutral(
            lambda value: isinstance(value, Mapping) and says_nothing(value.get("properties")),
            "Plans are not billed here. Leave this out.",
        )
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A rate has its unit, and what is over the quota is said in one way."""
        if attrs.get("rate") and attrs.get("rateLimitTimeUnit") == "":
            raise serializers.ValidationError({"rateLimitTimeUnit": "A rate is counted per second: send sec."})
        stops, over = attrs.get("stopOnQuotaReach"), attrs.get("over_quota")
        if None not in (stops, over) and stops != (over != PASS):
            raise serializers.ValidationError({"overQuota": CONTRADICTION})
        return attrs

    def to_representation(self, instance: Plan) -> dict[str, Any]:
        """WSO2's fields, then those that stand beside them."""
        counted = getattr(instance, "subscriber_count", None)
        return {
            "policyId": instance.name,
            "policyName": instance.name,
            "displayName": instance.display_name,
            "description": instance.description,
            "isDeployed": True,
            "type": "SubscriptionThrottlePolicy",
            "defaultLimit": default_limit(instance.quota, instance.quota_unit, instance.quota_period),
            "stopOnQuotaReach": instance.is_quota_kept,
            "rateLimitCount": instance.rate or 0,
            "rateLimitTimeUnit": "sec" if instance.rate else "",
            "billingPlan": instance.billing,
            **({"permissions": {"permissionType": "ALLOW", "roles": instance.roles}} if instance.roles else {}),
            "subscriberCount": impact.subscriptions_under(instance) if counted is None else counted,
            "burst": instance.burst,
            "connections": instance.connections,
            "connectsPerMinute": instance.connects,
            "messageBytes": instance.message_bytes,
            "applicationsPerOwner": instance.applications,
            "counted": instance.counted,
            "overRate": instance.over_rate,
            "overQuota": instance.over_quota,
            "requiresApproval": instance.requires_approval,
            "uncompressed": instance.uncompressed,
        }


PolicyList = list_of(SubscriptionPolicy, "SubscriptionPolicyList")


class SubscriptionPolicies(Resource):
    """All business plans."""

    permission_classes = who_may(require_manage_plans)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="listSubscriptionPlans",
        summary="List the business plans",
        tags=["Business plans"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: PolicyList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """The largest quota first, the unlimited last."""
        rows = all_plans().annotate(subscriber_count=Count("subscriptions"))
        return Response(one_page(request, rows, lambda plan: SubscriptionPolicy(plan).data))

    @extend_schema(
        operation_id="createSubscriptionPlan",
        summary="Make a business plan",
        tags=["Business plans"],
        request=SubscriptionPolicy,
        responses=answers({201: SubscriptionPolicy}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """What is left out is unlimited. Publishers may offer APIs under it at once."""
        body = SubscriptionPolicy(data=request.data)
        body.is_valid(raise_exception=True)
        plan = operations.create_plan(fields=_fields(body.validated_data), **self.by)
        address = reverse("api:policies-api:subscription-policy", args=[plan.name])
        return _shown(plan, 201, Location=address)


class OneSubscriptionPolicy(Resource):
    """One business plan."""

    permission_classes = who_may(require_manage_plans)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="getSubscriptionPlan",
        summary="Read a business plan",
        tags=["Business plans"],
        responses=answers({200: SubscriptionPolicy}, 403, 404),
    )
    def get(self, request: Request, policy_id: str) -> Response:
        """With its ETag."""
        return _shown(get_plan(policy_id))

    @extend_schema(
        operation_id="updateSubscriptionPlan",
        summary="Change a business plan",
        tags=["Business plans"],
        parameters=[IF_MATCH],
        request=SubscriptionPolicy,
        responses=answers({200: SubscriptionPolicy}, 400, 403, 404, 412),
    )
    def put(self, request: Request, policy_id: str) -> Response:
        """What is left out stays. Acts on open connections too, within a second."""
        plan = get_plan(policy_id)
        check_unchanged(request, _etag(plan))
        body = SubscriptionPolicy(plan, data=request.data)
        body.is_valid(raise_exception=True)
        fields = _fields(body.validated_data, plan.over_quota)
        changes = {key: value for key, value in fields.items() if value != getattr(plan, key)}
        return _shown(operations.update_plan(plan=plan, changes=changes, **self.by) if changes else plan)

    @extend_schema(
        operation_id="deleteSubscriptionPlan",
        summary="Delete a business plan",
        tags=["Business plans"],
        parameters=[IF_MATCH],
        responses=answers({200: None}, 403, 404, 409, 412),
    )
    def delete(self, request: Request, policy_id: str) -> Response:
        """Refused, with who uses it, while an API is offered under it or a subscription has it."""
        plan = get_plan(policy_id)
        check_unchanged(request, _etag(plan))
        operations.delete_plan(plan=plan, **self.by)
        return Response(status=200)


def _shown(plan: Plan, status: int = 200, **headers: str) -> Response:
    return Response(SubscriptionPolicy(plan).data, status=status, headers={"ETag": _etag(plan), **headers})


def _etag(plan: Plan) -> str:
    return etag({key: value for key, value in SubscriptionPolicy(plan).data.items() if key != "subscriberCount"})


def _fields(given: Mapping[str, Any], over_quota: str = plan_validation.DEFAULTS["over_quota"]) -> dict[str, Any]:
    """What a valid body means in the fields of a plan, of which `over_quota` is the present word."""
    fields = {key: value for key, value in given.items() if key not in ONLY_HERE}
    for text in ("display_name", "description"):
        if text in fields:
            fields[text] = fields[text] or ""
    if "rate" in fields:
        fields["rate"] = fields["rate"] or None
    if "defaultLimit" in given:
        fields |= quota_fields(given["defaultLimit"])
    if "stopOnQuotaReach" in given and given["stopOnQuotaReach"] != (fields.get("over_quota", over_quota) != PASS):
        fields["over_quota"] = plan_validation.DEFAULTS["over_quota"] if given["stopOnQuotaReach"] else PASS
    if "permissions" in given:
        fields["roles"] = (given["permissions"] or {}).get("roles", [])
    return fields
