"""Deny policies over HTTP, below `/api/am/admin/v4/throttling/`: WSO2's paths and names."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource, who_may
from core.rest.documents import Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page, search
from core.values import BadValue
from devportal import operations, queries
from devportal.deny_policies import DenyCondition, clean_ends, read_span
from devportal.models import DenyPolicy
from devportal.permissions import require_deny

FIELD_NAMES = {"kind": "conditionType", "value": "conditionValue", "invert": "conditionValue.invert"}
LOOKUPS = {"conditionType": "kind__iexact", "conditionValue": "value_key__contains"}
SHAPES = {DenyCondition.IP: {"fixedIp"}, DenyCondition.IPRANGE: {"startingIp", "endingIp"}}


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object"}]})
class ConditionValue(serializers.Field):  # type: ignore[type-arg]
    """Text, or for addresses `{fixedIp, invert}` and `{startingIp, endingIp, invert}`; a range also as text."""

    def to_representation(self, value: DenyPolicy) -> Any:
        """In the shape that fits the condition."""
        if value.kind == DenyCondition.IP:
            return {"fixedIp": value.value, "invert": value.invert}
        if value.kind == DenyCondition.IPRANGE:
            span = read_span(value.value)
            return {"startingIp": str(span.first), "endingIp": str(span.last), "invert": value.invert}
        return value.value

    def to_internal_value(self, data: Any) -> Any:
        """Text or an object, as it came."""
        if not isinstance(data, str | Mapping) or not data:
            raise serializers.ValidationError("Say what to deny: text, or an object for addresses.")
        return {"conditionValue": data}


class BlockingCondition(Strict):
    """One deny policy."""

    conditionId = serializers.UUIDField(source="pk", read_only=True)
    conditionType = serializers.ChoiceField(list(DenyCondition), source="kind")
    conditionValue = ConditionValue(source="*")
    conditionStatus = serializers.BooleanField(source="is_active", default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`value` and `invert` out of what has the shape of its condition, as the operation takes them."""
        kind, given = DenyCondition(attrs["kind"]), attrs["conditionValue"]
        if isinstance(given, str):
            return {**attrs, "value": given, "invert": False}
        shape, invert = SHAPES.get(kind, set()), given.get("invert", False)
        try:
            if not shape:
                raise BadValue(f"For the condition {kind} this is text.")
            if set(given) - {"invert"} != shape or not all(isinstance(given[key], str) for key in shape):
                names = ", ".join(sorted(shape))
                raise BadValue(f"For the condition {kind} this is an object with {names} and invert.")
            if not isinstance(invert, bool):
                raise BadValue("invert is either true or false.")
            value = given["fixedIp"] if kind is DenyCondition.IP else clean_ends(given["startingIp"], given["endingIp"])
        except BadValue as error:
            raise serializers.ValidationError({"conditionValue": str(error)}) from None
        return {**attrs, "value": value, "invert": invert}


class BlockingConditionStatus(Strict):
    """Whether a deny policy acts."""

    conditionId = serializers.UUIDField(required=False)
    conditionStatus = serializers.BooleanField()


BlockingConditionList = list_of(BlockingCondition, "BlockingConditionList")


class DenyPolicies(Resource):
    """All deny policies."""

    permission_classes = who_may(require_deny)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="listDenyPolicies",
        summary="List the deny policies",
        tags=["Deny policies"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("query", str, description="`conditionType:IP`, `conditionValue:…` or a word of the value"),
        ],
        responses=answers({200: BlockingConditionList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        rows = search(
            queries.deny_policies(), request.query_params.get("query", ""), LOOKUPS, LOOKUPS["conditionValue"]
        )
        return Response(one_page(request, rows, lambda row: BlockingCondition(row).data))

    @extend_schema(
        operation_id="addDenyPolicy",
        summary="Keep a caller out",
        tags=["Deny policies"],
        request=BlockingCondition,
        responses=answers({201: BlockingCondition}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """Acts within a second: new connections get 403, open ones are closed with 4006."""
        body = BlockingCondition(data=request.data)
        body.is_valid(raise_exception=True)
        given = {key: body.validated_data[key] for key in ("kind", "value", "invert", "is_active")}
        policy = operations.add_deny_policy(**given, **self.by)
        address = reverse("api:deny-policies-api:deny-policy", args=[policy.pk])
        return Response(BlockingCondition(policy).data, status=201, headers={"Location": address})


class OneDenyPolicy(Resource):
    """One deny policy."""

    permission_classes = who_may(require_deny)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="getDenyPolicy",
        summary="Read a deny policy",
        tags=["Deny policies"],
        responses=answers({200: BlockingCondition}, 403, 404),
    )
    def get(self, request: Request, condition_id: uuid.UUID) -> Response:
        """By its id."""
        return Response(BlockingCondition(queries.get_deny_policy(condition_id)).data)

    @extend_schema(
        operation_id="switchDenyPolicy",
        summary="Switch a deny policy on or off",
        tags=["Deny policies"],
        request=BlockingConditionStatus,
        responses=answers({200: BlockingCondition}, 400, 403, 404),
    )
    def patch(self, request: Request, condition_id: uuid.UUID) -> Response:
        """What is so already stays so."""
        policy = queries.get_deny_policy(condition_id)
        body = BlockingConditionStatus(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data["conditionStatus"]
        if body.validated_data.get("conditionId", policy.pk) != policy.pk:
            raise serializers.ValidationError({"conditionId": "This is the id of another policy. Leave it out."})
        if wanted != policy.is_active:
            policy = operations.switch_deny_policy(policy=policy, is_active=wanted, **self.by)
        return Response(BlockingCondition(policy).data)

    @extend_schema(
        operation_id="deleteDenyPolicy",
        summary="Delete a deny policy",
        tags=["Deny policies"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, condition_id: uuid.UUID) -> Response:
        """Who it kept out may connect again within a second."""
        operations.delete_deny_policy(policy=queries.get_deny_policy(condition_id), **self.by)
        return Response(status=200)
