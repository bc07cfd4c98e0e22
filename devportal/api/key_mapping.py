"""Keys out of a client that was registered before: WSO2's map-keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Constant, Strict, answers
from devportal import operations, queries
from devportal.api.keys import KEY_MANAGER, KeyDocument
from devportal.models import KeyType


class KeyMappingRequest(Strict):
    """A client that you have registered, with one of its secrets."""

    consumerKey = serializers.CharField(max_length=100)
    consumerSecret = serializers.CharField(max_length=200)
    keyType = serializers.ChoiceField(KeyType.choices)
    keyManager = Constant(KEY_MANAGER)


class MapKeys(Resource):
    """The keys of an application, out of a client."""

    field_names: ClassVar[Mapping[str, str]] = {"client_id": "consumerKey", "key_type": "keyType"}

    @extend_schema(
        operation_id="mapKeys",
        summary="Make a registered client the production or sandbox keys of an application",
        tags=["Keys"],
        request=KeyMappingRequest,
        responses=answers({200: KeyDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        """Its secret stays, its tokens end."""
        application = queries.application_for(self.user, application_id)
        body = KeyMappingRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        client = operations.map_keys(
            application=application,
            key_type=given["keyType"],
            client_id=given["consumerKey"],
            secret=given["consumerSecret"],
            **self.by,
        )
        return Response(KeyDocument(client).data)
