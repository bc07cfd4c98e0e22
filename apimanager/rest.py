"""Who is asking the REST API."""

from django.utils import timezone
from oauth2_provider.models import AccessToken
from oauth2_provider.utils import parse_bearer_token
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from accounts.models import User
from devportal import tokens
from devportal.rest_scopes import narrows, roles_under


class PortalSession(SessionAuthentication):
    """The session of somebody signed in to a portal, with CSRF protection."""


class WrongKindOfToken(exceptions.PermissionDenied):
    """A token that calls APIs through the gateway and does not manage them."""

    number = 900905  # WSO2's
    default_detail = (
        "This is a token of an application: it calls APIs through the gateway and cannot manage them. Use the token "
        "of a service account (manage.py serviceaccount NAME --role …) or of a registered client with scopes apim:…, "
        "or sign in to a portal."
    )


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with the token of a service account or of a registered client."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        """Who manages, with the roles that the token's scopes stand for; None when no bearer token was sent.

        Raises AuthenticationFailed for a token that no longer counts and WrongKindOfToken for an application's.
        """
        header = request.headers.get("Authorization", "")
        if header.partition(" ")[0].lower() != "bearer":
            return None
        token = parse_bearer_token(header)
        row = tokens.find(token, timezone.now()) if token else None
        if row is None:
            raise exceptions.AuthenticationFailed(
                "The access token is unknown, has expired or was revoked. Ask /oauth2/token for a new one."
            )
        user = tokens.manager(row)
        if user is None:
            raise WrongKindOfToken
        scopes = row.scope.split()
        if narrows(scopes):
            user.roles = roles_under(scopes, user.roles, method=request.method or "", path=request.path)
        return user, row

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401 (RFC 6750 §3)."""
        sent = request.headers.get("Authorization")
        return 'Bearer realm="API Manager"' + (', error="invalid_token"' if sent else "")
