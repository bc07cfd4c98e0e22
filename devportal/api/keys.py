"""The keys of an application and their tokens; one module, for WSO2's three ways to keys answer with one document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from oauth2_provider.settings import oauth2_settings
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Constant, Neutral, Strict, answers
from core.rest.requests import query_flag
from devportal import operations, queries, tokens
from devportal.errors import KeysNotFound
from devportal.grants import AUTHORIZATION_CODE, usable
from devportal.models import Application, KeyType, OAuthClient
from devportal.operations.secrets import is_secret_of
from devportal.permissions import require_use_application
from devportal.sharing import Right

SEVERAL = re.compile(r"regexp=\((.+)\)")
NOT_APPLICABLE = "N/A"  # WSO2's word for what is as usual
DEFAULT_SCOPES = (queries.DEFAULT_SCOPE, "am_application_scope")  # WSO2's word for the same beside it
LIFETIME = "application_access_token_expiry_time"  # WSO2's name, in `additionalProperties`
LIVES = {"Refresh": oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS, "ID": oauth2_settings.ID_TOKEN_EXPIRE_SECONDS}
KEY_MANAGER = "Resident Key Manager"
NEVER_CACHED = {"Cache-Control": "no-store"}
FIELD_NAMES = {
    "key_type": "keyType",
    "grant_types": "grantTypesToBeSupported",
    "callback_url": "callbackUrl",
    "token_seconds": "validityTime",
    "seconds": "validityPeriod",
}


class Lifetime(serializers.IntegerField):
    """Seconds that a token lives; None where WSO2's word for "as usual" was sent."""

    def __init__(self, *as_usual: Any, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, min_value=1, **options)
        self.as_usual = as_usual

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """A number, or nothing."""
        return super().run_validation(None if data in self.as_usual and not isinstance(data, bool) else data)


class Properties(Strict):
    """What else there is to say about keys."""

    application_access_token_expiry_time = Lifetime(NOT_APPLICABLE, "", help_text="Seconds.")
    grantTypesNotSupported = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Asked for just now, and not among those of the keys."
    )

    ignored: ClassVar[frozenset[str]] = frozenset({"grantTypesNotSupported"})
    neutral: ClassVar[Mapping[str, Neutral]] = {
        "user_access_token_expiry_time": Neutral.one_of(
            NOT_APPLICABLE, why=f"All access tokens of keys live equally long: send {LIFETIME}, and leave this out."
        ),
        **{
            f"{token.lower()}_token_expiry_time": Neutral.one_of(
                *(seconds, str(seconds), NOT_APPLICABLE),
                why=f"{token} tokens live {seconds} seconds here. Send {NOT_APPLICABLE}, or leave this out.",
            )
            for token, seconds in LIVES.items()
        },
        "pkceMandatory": Neutral.one_of(
            *(True, "true", False, "false", NOT_APPLICABLE), why="This is either true or false."
        ),
        **{
            switch: Neutral.one_of(
                *(False, "false", NOT_APPLICABLE), why=f"{switch} is not offered: send false, or leave it out."
            )
            for switch in ("pkceSupportPlain", "bypassClientCredentials")
        },
    }


class AboutKeys(Strict):
    """What the bodies share that make keys and change them."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Where people sign in there is no way round PKCE."""
        sent = self.initial_data.get("additionalProperties") or {}
        asked = [*attrs.get("grantTypesToBeSupported", ()), *attrs.get("grant_types", ())]
        if AUTHORIZATION_CODE in asked and sent.get("pkceMandatory") in (False, "false") and "pkceMandatory" in sent:
            why = "With the authorization code grant PKCE is always required: send true, or leave this out."
            raise serializers.ValidationError({"additionalProperties": {"pkceMandatory": why}})
        return attrs


class KeyRequest(AboutKeys):
    """Keys to be made. `validityTime` is how long their tokens live, in seconds.

    Grants that are not offered are left out; the answer names them in `additionalProperties.grantTypesNotSupported`.
    """

    keyType = serializers.ChoiceField(KeyType.choices)
    grantTypesToBeSupported = serializers.ListField(child=serializers.CharField(max_length=100), max_length=50)
    callbackUrl = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    validityTime = Lifetime(NOT_APPLICABLE, "", -1, "-1")
    additionalProperties = Properties(required=False, allow_null=True)
    keyManager = Constant(KEY_MANAGER)

    neutral: ClassVar[Mapping[str, Neutral]] = {
        "scopes": Neutral(
            lambda value: isinstance(value, list) and all(scope in DEFAULT_SCOPES for scope in value),
            "Scopes are asked for with each token, not with the keys. Leave this out.",
        )
    }


class KeyDocument(AboutKeys):
    """Keys. The secret is shown once, and left out later: when they are made and when it is made anew."""

    keyMappingId = serializers.CharField(source="pk", read_only=True)
    keyManager = Constant(KEY_MANAGER)
    consumerKey = serializers.CharField(source="client_id", read_only=True)
    consumerSecret = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    supportedGrantTypes = serializers.ListField(
        child=serializers.CharField(max_length=100), source="grant_types", max_length=50, required=False
    )
    callbackUrl = serializers.CharField(source="redirect_uris", required=False, allow_blank=True, allow_null=True)
    keyState = serializers.ChoiceField(Application.Approval.choices, source="approval", read_only=True)
    keyType = serializers.CharField(source="key_type", read_only=True)
    mode = serializers.ChoiceField(["CREATED", "MAPPED"], read_only=True)
    additionalProperties = Properties(required=False, allow_null=True)

    def validate_consumerSecret(self, value: str | None) -> None:  # noqa: N802 - the field's name is WSO2's
        """It may come back as it was shown; it is not chosen."""
        client = self.instance
        if value and not (client and is_secret_of(client, value, timezone.now())):
            sentence = "This is not the secret of these keys, and a secret is not chosen. Leave it out."
            raise serializers.ValidationError(sentence)

    def to_representation(self, instance: OAuthClient) -> dict[str, Any]:
        """As WSO2 shows keys."""
        secret, dropped = self.context.get("secret"), self.context.get("dropped")
        return {
            "keyMappingId": str(instance.pk),
            "keyManager": KEY_MANAGER,
            "consumerKey": instance.client_id,
            **({"consumerSecret": secret} if secret else {}),
            "supportedGrantTypes": instance.grant_types,
            "callbackUrl": written(instance.redirect_uris),
            "keyState": instance.approval,
            "keyType": instance.key_type,
            "mode": "MAPPED" if instance.is_mapped else "CREATED",
            "additionalProperties": {
                LIFETIME: tokens.life_of(instance),
                **({"grantTypesNotSupported": dropped} if dropped else {}),
            },
        }


def callbacks_of(text: str | None) -> str:
    """Callback URLs, one a line, out of one URL or WSO2's way to write several: `regexp=(https://a|https://b)`."""
    match = SEVERAL.fullmatch((text or "").strip())
    return match[1].replace("|", "\n") if match else (text or "")


def written(urls: str) -> str:
    """One URL as it is, several in WSO2's way."""
    several = urls.split()
    return f"regexp=({'|'.join(several)})" if len(several) > 1 else urls


class KeyList(serializers.Serializer):  # type: ignore[type-arg]
    """The keys of an application."""

    count = serializers.IntegerField()
    list = KeyDocument(many=True)


class NewSecret(serializers.Serializer):  # type: ignore[type-arg]
    """A secret, shown once."""

    consumerKey = serializers.CharField()
    consumerSecret = serializers.CharField()


class TokenRequest(Strict):
    """A token to be made. `validityPeriod` is in seconds, -1 for the life that its keys give; `revokeToken` ends an
    older one first.
    """

    consumerSecret = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    validityPeriod = Lifetime(-1, "-1")
    scopes = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True)
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
        asked, more = given["grantTypesToBeSupported"], given.get("additionalProperties") or {}
        kept = usable(asked) or asked  # all where none can be had: they are refused by name
        made = operations.generate_keys(
            application=application,
            key_type=given["keyType"],
            grant_types=kept,
            callback_url=callbacks_of(given.get("callbackUrl")),
            token_seconds=given.get("validityTime") or more.get(LIFETIME),
            **self.by,
        )
        shown = {"secret": made.secret, "dropped": sorted(set(asked) - set(kept))}
        return Response(KeyDocument(made.client, context=shown).data, headers=NEVER_CACHED)


class OAuthKeys(Resource):
    """The keys of an application."""

    @extend_schema(
        operation_id="listKeys",
        summary="List the keys of an application",
        tags=["Keys"],
        responses=answers({200: KeyList}, 403, 404),
    )
    def get(self, request: Request, application_id: UUID) -> Response:
        """Without their secrets, which are not stored."""
        application = queries.application_for(self.user, application_id)
        require_use_application(self.user, application, Right.KEYS)
        keys = [KeyDocument(client).data for client in application.clients.order_by("key_type")]
        return Response({"count": len(keys), "list": keys})


class OneKey(Resource):
    """One set of keys."""

    field_names: ClassVar[Mapping[str, str]] = {
        **FIELD_NAMES,
        "grant_types": "supportedGrantTypes",
        "token_seconds": f"additionalProperties.{LIFETIME}",
    }

    @extend_schema(
        operation_id="getKeys", summary="Read keys", tags=["Keys"], responses=answers({200: KeyDocument}, 403, 404)
    )
    def get(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """Without the secret, which is not stored."""
        return Response(KeyDocument(self.client(application_id, key_mapping_id)).data)

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
        asked, more = given.get("grant_types", client.grant_types), given.get("additionalProperties") or {}
        kept = usable(asked) or asked
        changed = operations.update_keys(
            client=client,
            grant_types=kept,
            callback_url=callbacks_of(given.get("redirect_uris", written(client.redirect_uris))),
            token_seconds=more.get(LIFETIME) or tokens.life_of(client),
            **self.by,
        )
        return Response(KeyDocument(changed, context={"dropped": sorted(set(asked) - set(kept))}).data)

    def client(self, application_id: UUID, key_mapping_id: int) -> OAuthClient:
        """The keys, if the viewer may use them. Raises ApplicationNotFound, NotYourApplication or KeysNotFound."""
        application = queries.application_for(self.user, application_id)
        require_use_application(self.user, application, Right.KEYS)
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
        return Response({"consumerKey": client.client_id, "consumerSecret": secret}, headers=NEVER_CACHED)


class GenerateToken(OneKey):
    """A token for trying things out."""

    http_method_names = ("post", "options")
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="generateToken",
        summary="Generate an access token",
        tags=["Keys"],
        request=TokenRequest,
        responses=answers({200: TokenDocument}, 400, 403, 404, 409, 429),
    )
    def post(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """The answer holds the token, this once."""
        client = self.client(application_id, key_mapping_id)
        body = TokenRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given, by, replaces = body.validated_data, self.by, None
        secret = given.get("consumerSecret")
        if secret and not is_secret_of(client, secret, by["now"]):
            raise exceptions.ValidationError({"consumerSecret": "This is not the secret of these keys."})
        if old := given.get("revokeToken"):
            replaces = queries.active_tokens(client, by["now"]).filter(token_checksum=tokens.digest(old)).first()
            if replaces is None:
                sentence = "These keys have no such token, or it has ended already."
                raise exceptions.ValidationError({"revokeToken": sentence})
        issued = operations.generate_token(
            client=client,
            seconds=given.get("validityPeriod"),
            scopes=[queries.DEFAULT_SCOPE if scope in DEFAULT_SCOPES else scope for scope in given.get("scopes") or ()],
            replaces=replaces,
            **by,
        )
        seconds = ceil((issued.expires_at - by["now"]).total_seconds())  # it ends with a whole second
        document = {"accessToken": issued.token, "tokenScopes": issued.row.scope.split(), "validityTime": seconds}
        return Response(document, headers=NEVER_CACHED)
