"""Keys to try an API out with, for the Publisher."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import answers
from core.rest.requests import choose
from devportal import internal_keys, operations
from publisher.queries import get_api_for


class InternalKey(serializers.Serializer):  # type: ignore[type-arg]
    """A key at the only moment when it can be shown."""

    apikey = serializers.CharField(help_text="Shown to the gateway as Authorization: Bearer.")
    validityTime = serializers.IntegerField(help_text="Seconds.")


class GenerateInternalKey(Resource):
    """A key for one API."""

    @extend_schema(
        operation_id="generateInternalApiKey",
        summary="Generate a key to try an API out with",
        tags=["APIs"],
        request=None,
        parameters=[
            OpenApiParameter(
                "workingCopy", bool, description="true: for the design as it is now, in place of what is deployed."
            )
        ],
        responses=answers({200: InternalKey}, 403, 404, 409),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """It opens what is deployed of this API, published or not, without a subscription; or the working copy."""
        of_working_copy = choose(request, "workingCopy", {"false": False, "true": True}, "false")
        issued = operations.issue_internal_key(
            api=get_api_for(self.user, api_id), of_working_copy=of_working_copy, **self.by
        )
        document = {"apikey": issued.token, "validityTime": internal_keys.SECONDS}
        return Response(document, headers={"Cache-Control": "no-store"})
