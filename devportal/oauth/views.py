"""The OAuth 2 endpoints, on the toolkit's views."""

import base64
import json
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View
from oauth2_provider import views as toolkit
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.forms import AllowForm
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.models import AccessToken
from oauth2_provider.oauth2_backends import _add_iss_to_redirect
from oauth2_provider.utils import parse_bearer_token
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import InvalidClientIdError, InvalidRequestFatalError
from oauthlib.openid.connect.core.exceptions import ConsentRequired

from accounts.models import User
from core.text import is_readable
from devportal import tokens
from devportal.models import OAuthClient
from devportal.oauth.throttle import WINDOW_SECONDS, Throttle

REDIRECT_SCHEMES = ["https", "http"]
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
CHALLENGE = 'Basic realm="oauth2", charset="UTF-8"'
JSON_NEVER_STORED = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class ConsentForm(AllowForm):
    """The toolkit's form, which also remembers whether the client named the address that the answer goes to."""

    names_redirect_uri = forms.CharField(required=False, widget=forms.HiddenInput())


class AuthorizationView(toolkit.AuthorizationView):
    """Ask the person who is signed in whether a client may act in their name (RFC 6749 §4.1.1)."""

    form_class = ConsentForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer, if every parameter stands there once (RFC 6749 §3.1)."""
        if twice := _sent_twice(request.GET):
            error = InvalidRequestFatalError(f"The parameter {twice} was sent more than once.")
            refusal: HttpResponse = self.error_response(FatalClientError(error=error), None)
            return refusal
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The question, as a page whose form may lead on to the client's address.

        A client that wants nobody to be asked is told that somebody has to be: no consent is remembered.
        """
        if "none" in request.GET.get("prompt", "").split():
            return self._consent_required(request)
        response: HttpResponse = super().get(request, *args, **kwargs)
        if redirect_uri := self.oauth2_data.get("redirect_uri"):
            setattr(response, "_csp_update", {"form-action": _origin(redirect_uri)})  # noqa: B010 - csp reads it there
        return response

    def _consent_required(self, request: HttpRequest) -> HttpResponse:
        try:
            _, asked = self.validate_authorization_request(request)
        except OAuthToolkitError as error:
            refusal: HttpResponse = self.error_response(error, None)
        else:
            error = ConsentRequired(state=asked["state"])
            refusal = self.error_response(OAuthToolkitError(error, redirect_uri=asked["redirect_uri"]), None)
        return refusal

    def get_initial(self) -> dict[str, Any]:
        """What the form carries through the browser."""
        return {**super().get_initial(), "names_redirect_uri": bool(self.request.GET.get("redirect_uri")) or ""}

    def create_authorization_response(
        self, request: HttpRequest, scopes: str, credentials: dict[str, Any], allow: bool
    ) -> Any:
        """The engine's answer. A client that named an address has to name it again (RFC 6749 §4.1.3)."""
        is_named = request.POST.get("names_redirect_uri") or request.GET.get("redirect_uri")
        if allow and not is_named:
            credentials = {**credentials, "redirect_uri": None}
        return super().create_authorization_response(request, scopes, credentials, allow)

    def form_valid(self, form: Any) -> HttpResponse:
        """The answer, as a redirect to the client. The form's fields came through the browser: check them again."""
        if not OAuthClient.objects.filter(client_id=form.cleaned_data["client_id"]).exists():
            refusal: HttpResponse = self.error_response(FatalClientError(error=InvalidClientIdError()), None)
            return refusal
        answer: HttpResponse = super().form_valid(form)
        return answer

    def redirect(self, redirect_to: str, application: OAuthClient | None) -> HttpResponse:
        """To the client, which is told who answers (RFC 9207), in errors as well."""
        address = _add_iss_to_redirect(redirect_to, settings.OAUTH_ISSUER)
        answer: HttpResponse = OAuth2ResponseRedirect(address, REDIRECT_SCHEMES)
        return answer


class ClientEndpoint(OAuthLibMixin, View):
    """An endpoint at which a client authenticates: guessing is braked, refusals name the scheme (RFC 6749 §5.2)."""

    @method_decorator(csrf_exempt)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer, unless the caller has failed too often or the request cannot be read in one way only."""
        try:
            client_id = _client_id(request)
        except Unreadable as refused:
            return refused.response()
        throttle = Throttle.of(request, client_id)
        if throttle.holds():
            return _too_many_failures()
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        if _is_failure(response):
            throttle.failed()
        if response.status_code == 401:
            response["WWW-Authenticate"] = CHALLENGE
        return response


class TokenView(ClientEndpoint, toolkit.TokenView):
    """Exchange a code, client credentials or a refresh token for an access token (RFC 6749 §3.2)."""

    @method_decorator(sensitive_post_parameters("client_secret", "code", "code_verifier", "refresh_token"))
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The toolkit's own would branch to the device grant, and look for a row that may be revoked by now."""
        _, headers, body, status = self.create_token_response(request)
        return HttpResponse(body, status=status, headers={**JSON_NEVER_STORED, **headers})


class RevocationView(ClientEndpoint, toolkit.RevokeTokenView):
    """End a token of the client that asks (RFC 7009)."""


class IntrospectionView(ClientEndpoint):
    """Say whether a token counts (RFC 7662), to those only who were given the right to know."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """`active: false` covers every reason: unknown, expired, revoked, or a disabled person behind it."""
        caller = self._caller(request)
        if caller is None:
            return _error(401, "invalid_client", "Authenticate as a service account that may introspect tokens.")
        if not caller.has_perm(tokens.INTROSPECTION_RIGHT):
            return _error(403, "access_denied", f"{caller.username} was not given the right to introspect tokens.")
        if not request.POST.get("token"):
            return _error(400, "invalid_request", "Send the token to look at as the form field token.")
        row = tokens.find(request.POST["token"], timezone.now())
        return _no_store(JsonResponse(_description(row) if row else {"active": False}))

    def _caller(self, request: HttpRequest) -> User | None:
        bearer = parse_bearer_token(request.headers.get("Authorization"))
        if bearer:
            row = tokens.find(bearer, timezone.now())
            return tokens.service_account(row) if row else None
        core = self.get_oauthlib_core()
        asked = Request(*core._extract_params(request))
        known = core.server.request_validator.authenticate_client(asked)
        return tokens.owner_of(asked.client) if known else None


@method_decorator(csrf_exempt, name="dispatch")
class UserInfoView(toolkit.UserInfoView):
    """Who the token speaks for (OpenID Connect Core §5.3). A token in the address is not looked at."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """RFC 9700 §4.3.2: what stands in addresses stands in logs."""
        if "access_token" in request.GET:
            refusal = _error(401, "invalid_token", "Send the token in the Authorization header, not in the address.")
            refusal["WWW-Authenticate"] = 'Bearer error="invalid_token"'
            return refusal
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer


def metadata(request: HttpRequest) -> HttpResponse:
    """What this server offers and where: RFC 8414 and OpenID Connect Discovery in one document."""
    authentication = ["client_secret_basic", "client_secret_post"]
    document = {
        "issuer": settings.OAUTH_ISSUER,
        "authorization_endpoint": _url("authorize"),
        "token_endpoint": _url("token"),
        "revocation_endpoint": _url("revoke"),
        "introspection_endpoint": _url("introspect"),
        "userinfo_endpoint": _url("userinfo"),
        "jwks_uri": _url("jwks"),
        "scopes_supported": list(settings.OAUTH_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": settings.OAUTH_GRANTS,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [*authentication, "none"],
        "revocation_endpoint_auth_methods_supported": [*authentication, "none"],
        "introspection_endpoint_auth_methods_supported": authentication,
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "preferred_username", "name"],
    }
    return JsonResponse(document, headers={"Access-Control-Allow-Origin": "*"})


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


class Unreadable(Exception):
    """A request to a client's endpoint that RFC 6749 does not allow; the message is for whoever wrote the client."""

    def __init__(self, description: str, *, error: str = "invalid_request") -> None:
        super().__init__(description)
        self.error = error

    def response(self) -> HttpResponse:
        """The answer, as RFC 6749 §5.2 writes it."""
        response = _error(401 if self.error == "invalid_client" else 400, self.error, str(self))
        if response.status_code == 401:
            response["WWW-Authenticate"] = CHALLENGE
        return response


def _client_id(request: HttpRequest) -> str:
    """Whom the caller claims to be, in one way. Raises Unreadable."""
    if request.method != "POST":
        return ""
    if request.GET:  # where secrets would stand in logs: RFC 6749 §2.3.1
        raise Unreadable("Send all parameters in the body of the request, none in the address.")
    fields = _fields(request)
    if twice := _sent_twice(fields):
        raise Unreadable(f"The parameter {twice} was sent more than once.")
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if not scheme or scheme.lower() == "bearer":
        return fields.get("client_id", "")
    if scheme.lower() != "basic":
        raise Unreadable("Authenticate with HTTP Basic.", error="invalid_client")
    client_id = _basic(credentials.strip())
    if fields.get("client_secret") or fields.get("client_id", client_id) not in ("", client_id):
        raise Unreadable("Authenticate in one way: in the header Authorization or in the body, not in both.")
    return client_id


def _fields(request: HttpRequest) -> QueryDict:
    if request.content_type not in FORMS and request.body:
        raise Unreadable(f"Send the parameters as {FORMS[0]}.")
    try:
        return request.POST
    except (BadRequest, MultiPartParserError) as error:  # another charset than UTF-8, a form without end
        raise Unreadable(f"The form cannot be read. Send it as {FORMS[0]} in UTF-8.") from error


def _basic(credentials: str) -> str:
    """The client's id in the credentials of HTTP Basic, each half of which is form-encoded (RFC 6749 §2.3.1)."""
    try:
        client_id, colon, _ = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        colon = ""
    if not colon or not is_readable(client_id := unquote_plus(client_id)):
        text = "What follows Basic is not the base64 of an id, a colon and a secret in UTF-8."
        raise Unreadable(text, error="invalid_client")
    return client_id


def _sent_twice(fields: QueryDict) -> str:
    """A parameter that stands there more than once; `resource` may (RFC 8707 §2)."""
    return next((name for name, values in fields.lists() if len(values) > 1 and name != "resource"), "")


def _is_failure(response: HttpResponse) -> bool:
    if response.status_code not in {400, 401}:
        return False
    try:
        return json.loads(response.content).get("error") in {"invalid_client", "invalid_grant"}
    except ValueError:
        return False


def _too_many_failures() -> HttpResponse:
    sentence = f"Too many failed attempts from your address. Try again in {WINDOW_SECONDS} seconds."
    response = _error(429, "invalid_client", sentence)
    response["Retry-After"] = str(WINDOW_SECONDS)
    return response


def _description(row: AccessToken) -> dict[str, Any]:
    person = row.user or tokens.owner_of(row.application)
    return {
        "active": True,
        "token_type": "Bearer",
        "client_id": row.application.client_id,
        "username": person.username if person else None,
        "sub": str(row.user.pk) if row.user else row.application.client_id,
        "scope": row.scope,
        "iss": settings.OAUTH_ISSUER,
        "aud": settings.ACCESS_TOKEN_AUDIENCE,
        "iat": int(row.created.timestamp()),
        "exp": int(row.expires.timestamp()),
    }


def _error(status: int, error: str, description: str) -> HttpResponse:
    return _no_store(JsonResponse({"error": error, "error_description": description}, status=status))


def _no_store(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response


def _url(name: str) -> str:
    return f"{settings.PORTAL_URL}{reverse(f'oauth2_provider:{name}')}"
