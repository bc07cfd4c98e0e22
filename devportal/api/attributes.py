"""What administrators want to know of each application, at `/settings/application-attributes`: WSO2's path."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource, who_may
from core.rest.documents import answers
from devportal.attribute_reads import attributes
from devportal.permissions import require_develop


class AttributeDocument(serializers.Serializer):  # type: ignore[type-arg]
    """An attribute of applications. Its switches are texts, as WSO2's are."""

    attribute = serializers.CharField()
    description = serializers.CharField()
    tooltip = serializers.CharField()
    type = serializers.CharField()
    required = serializers.ChoiceField(["true", "false"])  # type: ignore[assignment]
    hidden = serializers.ChoiceField(["true", "false"])


class AttributeList(serializers.Serializer):  # type: ignore[type-arg]
    """All attributes."""

    count = serializers.IntegerField()
    list = AttributeDocument(many=True)


class ApplicationAttributes(Resource):
    """The attributes that applications have."""

    permission_classes = who_may(require_develop)

    @extend_schema(
        operation_id="listApplicationAttributes",
        summary="List what has to be told of an application",
        tags=["Applications"],
        responses=answers({200: AttributeList}, 403),
    )
    def get(self, request: Request) -> Response:
        """The answers go into `attributes` of an application."""
        rows = [
            {
                "attribute": row.name,
                "description": row.description,
                "tooltip": row.description,
                "type": "text",
                "required": str(row.is_required).lower(),
                "hidden": str(row.is_hidden).lower(),
            }
            for row in attributes()
        ]
        return Response({"count": len(rows), "list": rows})
