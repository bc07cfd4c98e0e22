"""The keys of an application and their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from oauth2_provider.models import AccessToken
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Constant, Strict, answers
from core.rest.requests import query_flag
from devportal import operations, queries, tokens
from devportal.errors import KeysNotFound
from devportal.grants import GRANT_NAMES
from devportal.models import KeyType, OAuthClient

LIFETIME = "application_access_token_expiry_time"  # WSO2's name, in `additionalProperties`
KEY_MANAGER = "Resident Key Manager"
FIELD_NAMES = {
    "key_type": "keyType",
    "grant_types": "grantTypesToBeSupported",
    "callback_url": "callbackUrl",
    "token_seconds": "validityTime",
    "seconds": "validityPeriod",
}


class Properties(Strict):
    """What else there is to say about keys."""

    application_access_token_expiry_time = serializers.IntegerField(required=False, help_text="Seconds.")

    ignored: ClassVar[frozenset[str]] = frozenset(
        {
            "user_access_token_expiry_time",
            "refresh_token_expiry_time",
            "id_token_expiry_time",
            "pkceMandatory",
            "pkceSupportPlain",
            "bypassClientCredentials",
        }
    )


class KeyRequest(Strict):
    """Keys to be made. `validityTime` is how long their tokens live, in seconds."""

    keyType = serializers.ChoiceField(KeyType.choices)
    grantTypesToBeSupported = serializers.ListField(child=serializers.ChoiceField([*GRANT_NAMES]))
    callbackUrl = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    validityTime = serializers.IntegerField(required=False, min_value=1)
    additionalProperties = Properties(required=False)
    keyManager = Constant(KEY_MANAGER)

    ignored: ClassVar[frozenset[str]] = frozenset({"scopes"})


class KeyDocument(Strict):
    """Keys. The secret is shown once: when they are made and when it is made anew."""

    keyMappingId = serializers.CharField(source="pk", read_only=True)
    keyManager = Constant(KEY_MANAGER)
    consumerKey = serializers.CharField(source="client_id", read_only=True)
    consumerSecret = serializers.SerializerMethodField()
    supportedGrantTypes = serializers.ListField(child=serializers.ChoiceField([*GRANT_NAMES]), source="grant_types")
    callbackUrl = serializers.CharField(source="redirect_uris", required=False, allow_blank=True, allow_null=True)
    keyState = Constant("APPROVED")
    keyType = serializers.CharField(source="key_type", read_only=True)
    mode = Constant("CREATED")
    additionalProperties = Properties(source="*", required=False)

    def get_consumerSecret(self, client: OAuthClient) -> str | None:  # noqa: N802 - the field's name is WSO2's
        """The secret while it is known."""
        secret: str | None = self.context.get("secret")
        return secret


class KeyList(serializers.Serializer):  # type: ignore[type-arg]
    """The keys of an application."""

    count = serializers.IntegerField()
    list = KeyDocument(many=True)


class NewSecret(serializers.Serializer):  # type: ignore[type-arg]
    """A secret, shown once."""

    consumerKey = serializers.CharField()
    consumerSecret = serializers.CharField()


class TokenRequest(Strict):
    """A token to be made. `validityPeriod` is in seconds; `revokeToken` ends an older one first."""

    consumerSecret = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    validityPeriod = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    scopes = serializers.ListField(child=serializers.CharField(), required=False)
    revokeToken = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    grantType = Constant("CLIENT_CREDENTIALS")


class TokenDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A token, shown once."""

    accessToken = serializers.CharField()
    tokenScopes = serializers.ListField(child=serializers.CharField())
    validityTime = serializers.IntegerField(help_text="Seconds.")


class GenerateKeys(Resource):
    """New keys."""

    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="generateKeys",
        summary="Generate the production or sandbox keys of an application",
        tags=["Keys"],
        request=KeyRequest,
        responses=answers({200: KeyDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        """The answer holds the secret, this once."""
        application = queries.application_for(self.user, application_id)
        body = KeyRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        made = operations.generate_keys(
            application=application,
            key_type=given["keyType"],
            grant_types=given["grantTypesToBeSupported"],
            callback_url=given.get("callbackUrl") or "",
            token_seconds=given.get("validityTime") or given.get("additionalProperties", {}).get(LIFETIME),
            **self.by,
        )
        return _never_cached(_document(made.client, made.secret))


class OAuthKeys(Resource):
    """The keys of an application."""

    @extend_schema(
        operation_id="listKeys",
        summary="List the keys of an application",
        tags=["Keys"],
        responses=answers({200: KeyList}, 404),
    )
    def get(self, request: Request, application_id: UUID) -> Response:
        """Without their secrets, which are not stored."""
        application = queries.application_for(self.user, application_id)
        keys = [_document(client) for client in application.clients.order_by("key_type")]
        return Response({"count": len(keys), "list": keys})


class OneKey(Resource):
    """One set of keys."""

    field_names: ClassVar[Mapping[str, str]] = {
        **FIELD_NAMES,
        "grant_types": "supportedGrantTypes",
        "token_seconds": f"additionalProperties.{LIFETIME}",
    }

    @extend_schema(
        operation_id="getKeys", summary="Read keys", tags=["Keys"], responses=answers({200: KeyDocument}, 404)
    )
    def get(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """Without the secret, which is not stored."""
        return Response(_document(self.client(application_id, key_mapping_id)))

    @extend_schema(
        operation_id="updateKeys",
        summary="Change what keys may do",
        tags=["Keys"],
        request=KeyDocument,
        responses=answers({200: KeyDocument}, 400, 403, 404),
    )
    def put(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """What is left out stays. Tokens that were issued are not touched."""
        client = self.client(application_id, key_mapping_id)
        body = KeyDocument(client, data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        changed = operations.update_keys(
            client=client,
            grant_types=given["grant_types"],
            callback_url=given.get("redirect_uris", client.redirect_uris) or "",
            token_seconds=given.get(LIFETIME, client.token_seconds),
            **self.by,
        )
        return Response(_document(changed))

    def client(self, application_id: UUID, key_mapping_id: int) -> OAuthClient:
        """The keys, if they are the viewer's. Raises ApplicationNotFound or KeysNotFound."""
        application = queries.application_for(self.user, application_id)
        client: OAuthClient | None = application.clients.filter(pk=key_mapping_id).first()
        if client is None:
            raise KeysNotFound
        return client


class RegenerateSecret(OneKey):
    """A new secret for old keys."""

    http_method_names = ("post", "options")

    @extend_schema(
        operation_id="regenerateSecret",
        summary="Replace the secret of keys",
        tags=["Keys"],
        request=None,
        responses=answers({200: NewSecret}, 403, 404),
    )
    def post(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """The old one stops working at once; with `?revokeTokens=true` so do the tokens."""
        client = self.client(application_id, key_mapping_id)
        revoke = query_flag(request, "revokeTokens")
        secret = operations.regenerate_secret(client=client, revoke_tokens=revoke, **self.by)
        return _never_cached({"consumerKey": client.client_id, "consumerSecret": secret})


class GenerateToken(OneKey):
    """A token for trying things out."""

    http_method_names = ("post", "options")
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="generateToken",
        summary="Generate an access token",
        tags=["Keys"],
        request=TokenRequest,
        responses=answers({200: TokenDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """The answer holds the token, this once."""
        client = self.client(application_id, key_mapping_id)
        body = TokenRequest(data=request.data)
        body.is_valid(raise_exception=True)
        issued = self._issue(client, body.validated_data)
        seconds = round((issued.expires_at - timezone.now()).total_seconds())
        return _never_cached(
            {"accessToken": issued.token, "tokenScopes": issued.row.scope.split(), "validityTime": seconds}
        )

    def _issue(self, client: OAuthClient, given: Mapping[str, Any]) -> operations.IssuedToken:
        secret = given.get("consumerSecret")
        if secret and not check_password(secret, client.client_secret):
            raise exceptions.ValidationError({"consumerSecret": "This is not the secret of these keys."})
        return operations.generate_token(
            client=client,
            seconds=given.get("validityPeriod"),
            scopes=given.get("scopes", ()),
            replaces=self._token_of(client, given["revokeToken"]) if given.get("revokeToken") else None,
            **self.by,
        )

    def _token_of(self, client: OAuthClient, token: str) -> AccessToken:
        row = queries.active_tokens(client, timezone.now()).filter(token_checksum=tokens.digest(token)).first()
        if row is None:
            raise exceptions.ValidationError({"revokeToken": "These keys have no such token, or it has ended already."})
        return row


def _document(client: OAuthClient, secret: str | None = None) -> dict[str, Any]:
    document: dict[str, Any] = KeyDocument(client, context={"secret": secret}).data
    return {**document, "additionalProperties": {LIFETIME: client.token_seconds}}


def _never_cached(body: dict[str, Any]) -> Response:
    return Response(body, headers={"Cache-Control": "no-store"})
