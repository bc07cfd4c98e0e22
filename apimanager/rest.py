"""The REST edge: who is asking, and how a refusal looks."""

from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.response import Response
from rest_framework.views import exception_handler


class PortalSession(SessionAuthentication):
    """The session of somebody signed in to a portal, with CSRF protection."""


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with a service account's token."""

    def authenticate(self, request: Any) -> None:
        """No token, no opinion."""
        return None


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal as `{code, message, description}`."""
    return exception_handler(error, context)
