"""The further secrets of keys: WSO2's generate-secret, secrets and revoke-secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.rest.documents import Strict, answers
from devportal import operations, queries
from devportal.api.keys import NEVER_CACHED, OneKey
from devportal.models import ClientSecret
from devportal.operations.secrets import SecretNotFound

LARGEST_ID = (1 << 63) - 1


class SecretTerms(Strict):
    """What a secret is for, and how many seconds it lives: for good where nothing is said."""

    description = serializers.CharField(max_length=200)
    expiresIn = serializers.IntegerField(required=False, allow_null=True, help_text="Seconds.")


class SecretRequest(Strict):
    """A secret to be made."""

    additionalProperties = SecretTerms()


class SecretAbout(serializers.Serializer):  # type: ignore[type-arg]
    """What there is to say of a secret."""

    description = serializers.CharField()
    expiresAt = serializers.IntegerField(required=False, help_text="Seconds since 1970; left out if it never expires.")


class SecretDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A secret beside the first one. Its value is shown once, when it is made."""

    secretId = serializers.CharField()
    secretValue = serializers.CharField(required=False)
    additionalProperties = SecretAbout()


class SecretList(serializers.Serializer):  # type: ignore[type-arg]
    """The further secrets of keys."""

    count = serializers.IntegerField()
    list = SecretDocument(many=True)


class SecretToEnd(Strict):
    """Which secret is to end."""

    secretId = serializers.CharField(max_length=40)

    ignored: ClassVar[frozenset[str]] = frozenset({"additionalProperties"})


class GenerateSecret(OneKey):
    """One more secret."""

    http_method_names = ("post", "options")
    field_names: ClassVar[Mapping[str, str]] = {"name": "description", "seconds": "expiresIn"}

    @extend_schema(
        operation_id="generateConsumerSecret",
        summary="Make another secret of keys",
        tags=["Keys"],
        request=SecretRequest,
        responses=answers({201: SecretDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """It works beside the others; the answer holds it, this once."""
        client = self.client(application_id, key_mapping_id)
        body = SecretRequest(data=request.data)
        body.is_valid(raise_exception=True)
        terms = body.validated_data["additionalProperties"]
        secret, row = operations.add_secret(
            client=client, name=terms["description"], seconds=terms.get("expiresIn"), **self.by
        )
        return Response({**shown(row), "secretValue": secret}, status=201, headers=NEVER_CACHED)


class Secrets(OneKey):
    """The secrets beside the first one."""

    http_method_names = ("get", "head", "options")

    @extend_schema(
        operation_id="getConsumerSecrets",
        summary="List the further secrets of keys",
        tags=["Keys"],
        responses=answers({200: SecretList}, 403, 404),
    )
    def get(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """Those that work, the newest first, without their values, which are not stored."""
        found = queries.secrets_of(self.client(application_id, key_mapping_id), timezone.now())
        listed = [shown(row) for row in found]
        return Response({"count": len(listed), "list": listed})


class RevokeSecret(OneKey):
    """The end of a secret."""

    http_method_names = ("post", "options")

    @extend_schema(
        operation_id="revokeConsumerSecret",
        summary="End one of the further secrets",
        tags=["Keys"],
        request=SecretToEnd,
        responses=answers({204: None}, 400, 403, 404),
    )
    def post(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """At once; tokens that were asked for with it stay."""
        client = self.client(application_id, key_mapping_id)
        body = SecretToEnd(data=request.data)
        body.is_valid(raise_exception=True)
        named = body.validated_data["secretId"]
        if not named.isdecimal() or int(named) > LARGEST_ID:
            raise SecretNotFound
        operations.end_secret(client=client, pk=int(named), **self.by)
        return Response(status=204)


def shown(row: ClientSecret) -> dict[str, Any]:
    """A secret without its value."""
    about: dict[str, Any] = {"description": row.name}
    if row.expires_at:
        about["expiresAt"] = int(row.expires_at.timestamp())
    return {"secretId": str(row.pk), "additionalProperties": about}
