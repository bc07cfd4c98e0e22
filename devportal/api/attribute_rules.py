"""What is asked of each application, for administrators, at `/api/am/admin/v4/application-attributes`.

WSO2 has it in its configuration file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource, who_may
from core.rest.documents import Strict, answers
from core.rest.etags import IF_MATCH, check_unchanged, etag
from devportal.attribute_reads import answers_to, attributes, get_attribute
from devportal.models import ApplicationAttribute
from devportal.operations import attributes as operations
from devportal.permissions import require_define_attributes

FIELDS: Final = {"is_required": "required", "is_hidden": "hidden"}


class AttributeRule(Strict):
    """What is asked of each application. Its name stays, for programs send it."""

    id = serializers.IntegerField(source="pk", read_only=True)
    name = serializers.CharField()
    description = serializers.CharField(required=False, default="", allow_blank=True)
    required = serializers.BooleanField(source="is_required", required=False, default=False)  # type: ignore[assignment]
    hidden = serializers.BooleanField(
        source="is_hidden", required=False, default=False, help_text="On no page: programs send and read it."
    )
    applications = serializers.SerializerMethodField(help_text="How many say something to it.")

    ignored: ClassVar[frozenset[str]] = frozenset({"applications"})

    def get_applications(self, row: ApplicationAttribute) -> int:
        """A figure beside it; there are twenty rows at most."""
        return answers_to(row)


class AttributeRuleList(serializers.Serializer):  # type: ignore[type-arg]
    """All that is asked."""

    count = serializers.IntegerField()
    list = AttributeRule(many=True)


class AttributeRules(Resource):
    """All that is asked of applications."""

    permission_classes = who_may(require_define_attributes)
    field_names = FIELDS

    @extend_schema(
        operation_id="listAttributeRules",
        summary="List what is asked of each application",
        tags=["Application attributes"],
        responses=answers({200: AttributeRuleList}, 403),
    )
    def get(self, request: Request) -> Response:
        """In the order in which they were defined."""
        rows = AttributeRule(attributes(), many=True).data
        return Response({"count": len(rows), "list": rows})

    @extend_schema(
        operation_id="addAttributeRule",
        summary="Ask for something of each application",
        tags=["Application attributes"],
        request=AttributeRule,
        responses=answers({201: AttributeRule}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """Applications that are there are asked when they are saved next."""
        body = AttributeRule(data=request.data)
        body.is_valid(raise_exception=True)
        made = operations.define_attribute(**body.validated_data, **self.by)
        return _shown(made, 201, {"Location": reverse("api:deny-policies-api:attribute", args=[made.pk])})


class OneAttributeRule(Resource):
    """One of them."""

    permission_classes = who_may(require_define_attributes)
    field_names = FIELDS

    @extend_schema(
        operation_id="getAttributeRule",
        summary="Read what is asked",
        tags=["Application attributes"],
        responses=answers({200: AttributeRule}, 403, 404),
    )
    def get(self, request: Request, pk: int) -> Response:
        """By its id."""
        return _shown(get_attribute(pk))

    @extend_schema(
        operation_id="changeAttributeRule",
        summary="Change what is said of an attribute",
        tags=["Application attributes"],
        parameters=[IF_MATCH],
        request=AttributeRule,
        responses=answers({200: AttributeRule}, 400, 403, 404, 412),
    )
    def put(self, request: Request, pk: int) -> Response:
        """The name is the one that it has."""
        row = get_attribute(pk)
        check_unchanged(request, etag(AttributeRule(row).data))
        body = AttributeRule(row, data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        if given.pop("name") != row.name:
            raise serializers.ValidationError({"name": f"The name stays: {row.name}. Define another attribute."})
        return _shown(operations.redefine_attribute(attribute=row, **given, **self.by))

    @extend_schema(
        operation_id="deleteAttributeRule",
        summary="Ask for it no more",
        tags=["Application attributes"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, pk: int) -> Response:
        """What applications said to it goes with it."""
        operations.delete_attribute(attribute=get_attribute(pk), **self.by)
        return Response()


def _shown(row: ApplicationAttribute, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    document = AttributeRule(row).data
    return Response(document, status=status, headers={**(headers or {}), "ETag": etag(document)})
