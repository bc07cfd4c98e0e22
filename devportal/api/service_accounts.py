"""Service accounts over REST, at `/api/am/admin/v4/service-accounts`: users that are programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import require_manage_users
from accounts.rest import Resource, who_may
from accounts.roles import Role
from core.rest.documents import Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import queries
from devportal.api.keys import NEVER_CACHED
from devportal.models import OAuthClient
from devportal.operations import service_accounts as operations

FIELD_NAMES = {"may_introspect": "mayIntrospect"}


class ServiceAccountRequest(Strict):
    """A service account to be made."""

    name = serializers.CharField(max_length=150)
    roles = serializers.ListField(
        child=serializers.ChoiceField([role.value for role in Role]), required=False, max_length=len(Role)
    )
    mayIntrospect = serializers.BooleanField(required=False, help_text="Whether it may ask about every token.")


class ServiceAccountDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A service account. The secret is shown once, when it is made."""

    id = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    isEnabled = serializers.BooleanField()
    consumerKey = serializers.CharField()
    consumerSecret = serializers.CharField(required=False)


ServiceAccountList = list_of(ServiceAccountDocument, "ServiceAccountList")


class ServiceAccounts(Resource):
    """All service accounts."""

    permission_classes = who_may(require_manage_users)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="listServiceAccounts",
        summary="List the service accounts",
        tags=["Service accounts"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: ServiceAccountList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """By name."""
        return Response(one_page(request, queries.service_clients(), shown))

    @extend_schema(
        operation_id="createServiceAccount",
        summary="Make a service account",
        tags=["Service accounts"],
        request=ServiceAccountRequest,
        responses=answers({201: ServiceAccountDocument}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """The answer holds its secret, this once."""
        body = ServiceAccountRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        made = operations.create_service_account(
            name=given["name"],
            roles=[Role(role) for role in given.get("roles", ())],
            may_introspect=given.get("mayIntrospect", False),
            **self.by,
        )
        headers = {"Location": reverse("api:deny-policies-api:service-account", args=[made.client.pk]), **NEVER_CACHED}
        document = {**shown(queries.service_client(made.client.pk)), "consumerSecret": made.secret}
        return Response(document, status=201, headers=headers)


class OneServiceAccount(Resource):
    """One service account."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="getServiceAccount",
        summary="Read a service account",
        tags=["Service accounts"],
        responses=answers({200: ServiceAccountDocument}, 403, 404),
    )
    def get(self, request: Request, pk: int) -> Response:
        """Without its secret, which is not stored."""
        return Response(shown(queries.service_client(pk)))


class RenewServiceSecret(Resource):
    """Another secret for a service account."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="regenerateServiceAccountSecret",
        summary="Replace the secret of a service account",
        tags=["Service accounts"],
        request=None,
        responses=answers({200: ServiceAccountDocument}, 403, 404),
    )
    def post(self, request: Request, pk: int) -> Response:
        """The one before stops working at once; tokens stay."""
        client = queries.service_client(pk)
        secret = operations.renew_secret(client=client, **self.by)
        return Response({**shown(client), "consumerSecret": secret}, headers=NEVER_CACHED)


def shown(client: OAuthClient) -> dict[str, Any]:
    """A service account without its secret."""
    return {
        "id": str(client.pk),
        "name": client.user.username,
        "roles": [role.value for role in client.user.roles_in_order],
        "isEnabled": client.user.is_active,
        "consumerKey": client.client_id,
    }
