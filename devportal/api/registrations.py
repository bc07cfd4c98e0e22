"""WSO2's registration of clients: how a program that was made for its REST API gets the keys to begin with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.authentication import BasicAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.attempts import SIGN_IN_SECONDS, person_of
from accounts.models import User
from accounts.rest import Resource
from core.rest.documents import Neutral, Strict, answers
from core.text import fold
from devportal import operations
from devportal.grants import AUTHORIZATION_CODE, usable


class Password(BasicAuthentication):
    """The name and password of a person, with the same limits on guessing as at sign-in."""

    www_authenticate_realm = "API Manager"

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> tuple[User, None]:
        """The person. Raises AuthenticationFailed, or Throttled for who guesses."""
        if "\0" in userid + password:
            raise exceptions.AuthenticationFailed("A user name or password has no such characters.")
        person = person_of(request, username=userid, password=password)
        if getattr(request, "axes_locked_out", False):
            raise exceptions.Throttled(SIGN_IN_SECONDS, "Too many wrong passwords for this name from your address.")
        if person is None:
            raise exceptions.AuthenticationFailed("Username or password is not right. Check both and try again.")
        return person, None


class ClientRequest(Strict):
    """A client to be registered. Grants that are not offered are left out; `jsonString` of the answer has the rest."""

    clientName = serializers.CharField(max_length=100)
    grantType = serializers.CharField(max_length=1000, help_text="Separated by blanks.")
    callbackUrl = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, allow_null=True, help_text="For authorization_code."
    )
    owner = serializers.CharField(max_length=150, required=False, allow_null=True, help_text="You.")
    saasApp = serializers.BooleanField(required=False, default=True, help_text="There is one tenant: either will do.")

    neutral: ClassVar[Mapping[str, Neutral]] = {
        "tokenScope": Neutral.one_of("Production", "PRODUCTION", why="Leave this out."),
        "tokenType": Neutral.one_of("DEFAULT", "OAUTH", why="Tokens of registered clients are opaque: send DEFAULT."),
    }

    def validate_owner(self, value: str | None) -> str | None:
        """Everybody registers for themselves."""
        me: User = self.context["user"]
        if value and fold(value) != me.username_key:
            raise serializers.ValidationError(f"Everybody registers clients of their own: send {me.username}.")
        return value


class ClientDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A registered client. The secret is shown once."""

    clientId = serializers.CharField()
    clientName = serializers.CharField()
    callBackURL = serializers.CharField(help_text="Empty where no grant needs one.")
    clientSecret = serializers.CharField()
    isSaasApplication = serializers.BooleanField()
    appOwner = serializers.CharField()
    jsonString = serializers.CharField(help_text="JSON with the grants that the client has, and its callback URL.")
    jsonAppAttribute = serializers.CharField()
    tokenType = serializers.CharField()


class Registrations(Resource):
    """The clients of a person."""

    authentication_classes = [Password]
    field_names: ClassVar[Mapping[str, str]] = {
        "name": "clientName",
        "grant_types": "grantType",
        "callback_url": "callbackUrl",
    }

    @extend_schema(
        operation_id="registerClient",
        summary="Register a client of the REST API",
        tags=["Clients"],
        request=ClientRequest,
        responses=answers({200: ClientDocument}, 400, 409),
    )
    def post(self, request: Request) -> Response:
        """With your name and password (HTTP Basic). A name that you have registered before gets a new secret."""
        body = ClientRequest(data=request.data, context={"user": self.user})
        body.is_valid(raise_exception=True)
        given = body.validated_data
        asked = given["grantType"].split()
        kept = usable(asked)
        made = operations.register_client(
            name=given["clientName"],
            grant_types=kept or asked,
            callback_url=(given.get("callbackUrl") or "") if AUTHORIZATION_CODE in kept else "",
            **self.by,
        )
        kept_terms = {
            "grant_types": " ".join(made.client.grant_types),
            "redirect_uris": made.client.redirect_uris,
            "client_name": made.client.name,
        }
        document = {
            "clientId": made.client.client_id,
            "clientName": made.client.name,
            "callBackURL": made.client.redirect_uris,
            "clientSecret": made.secret,
            "isSaasApplication": given["saasApp"],
            "appOwner": self.user.username,
            "jsonString": json.dumps(kept_terms, ensure_ascii=False),
            "jsonAppAttribute": "{}",
            "tokenType": "DEFAULT",
        }
        return Response(document, headers={"Cache-Control": "no-store"})
