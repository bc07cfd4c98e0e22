"""The OAuth 2 endpoints, on the toolkit's views."""

import base64
import json
from contextlib import suppress
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
from oauth2_provider.oauth2_backends import _add_iss_to_redirect
from oauth2_provider.utils import parse_bearer_token
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import InvalidClientIdError, InvalidRequestFatalError
from oauthlib.openid.connect.core.exceptions import ConsentRequired

from core.text import is_readable
from devportal import grants, tokens
from devportal.models import OAuthClient
from devportal.oauth.throttle import WINDOW_SECONDS, Throttle

REDIRECT_SCHEMES = ["https", "http"]
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
CHALLENGE = 'Basic realm="oauth2", charset="UTF-8"'
NEVER_STORED = {"Cache-Control": "no-store"}


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
        response: HttpResponse
        if "none" in request.GET.get("prompt", "").split():
            try:
                _, asked = self.validate_authorization_request(request)
                required = ConsentRequired(state=asked["state"])
                refusal = OAuthToolkitError(required, redirect_uri=asked["redirect_uri"])
            except OAuthToolkitError as error:
                refusal = error
            response = self.error_response(refusal, None)
            return response
        response = super().get(request, *args, **kwargs)
        if redirect_uri := self.oauth2_data.get("redirect_uri"):
            client = urlsplit(redirect_uri)
            is_own = grants.is_private_use(client.scheme)
            allowed = {"form-action": f"{client.scheme}:" if is_own else f"{client.scheme}://{client.netloc}"}
            setattr(response, "_csp_update", allowed)  # noqa: B010 - csp reads it there
        return response

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
        schemes = application.get_allowed_schemes() if application else REDIRECT_SCHEMES
        answer: HttpResponse = OAuth2ResponseRedirect(address, schemes)
        return answer


class ClientEndpoint(OAuthLibMixin, View):
    """An endpoint at which a client authenticates: guessing is throttled, refusals name the scheme (RFC 6749 §5.2)."""

    @method_decorator(csrf_exempt)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer, unless the caller has failed too often or the request cannot be read in one way only."""
        try:
            client_id = _client_id(request)
        except Unreadable as refused:
            error, description = refused.args
            if error == "invalid_client":
                return _error(401, error, description, WWW_Authenticate=CHALLENGE)
            return _error(400, error, description)
        throttle = Throttle.of(request, client_id)
        if throttle.holds():
            sentence = f"Too many failed attempts from your address. Try again in {WINDOW_SECONDS} seconds."
            return _error(429, "invalid_client", sentence, Retry_After=WINDOW_SECONDS)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        if response.status_code in {400, 401}:
            with suppress(ValueError):  # no JSON: not a refusal of the engine's
                if json.loads(response.content).get("error") in {"invalid_client", "invalid_grant"}:
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
        return HttpResponse(
            body, status=status, headers={"Content-Type": "application/json", **NEVER_STORED, **headers}
        )


class RevocationView(ClientEndpoint, toolkit.RevokeTokenView):
    """End a token of the client that asks (RFC 7009)."""


class IntrospectionView(ClientEndpoint):
    """Say whether a token counts (RFC 7662), to those only who were given the right to know."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """`active: false` covers every reason: unknown, expired, revoked, or a disabled person behind it."""
        if bearer := parse_bearer_token(request.headers.get("Authorization")):  # of a service account
            asking = tokens.find(bearer, timezone.now())
            person = tokens.manager(asking) if asking else None
            caller = person if person and person.is_service else None
        else:  # a client's own id and secret
            core = self.get_oauthlib_core()
            asked = Request(*core._extract_params(request))
            known = core.server.request_validator.authenticate_client(asked)
            caller = tokens.owner_of(asked.client) if known else None
        if caller is None:
            return _error(401, "invalid_client", "Authenticate as a service account that may introspect tokens.")
        if not caller.has_perm(tokens.INTROSPECTION_RIGHT):
            return _error(403, "access_denied", f"{caller.username} was not given the right to introspect tokens.")
        if not request.POST.get("token"):
            return _error(400, "invalid_request", "Send the token to look at as the form field token.")
        row = tokens.find(request.POST["token"], timezone.now())
        if row is None:
            return JsonResponse({"active": False}, headers=NEVER_STORED)
        speaks_for = row.user or tokens.owner_of(row.application)
        description = {
            "active": True,
            "token_type": "Bearer",
            "client_id": row.application.client_id,
            "username": speaks_for.username if speaks_for else None,
            "sub": str(row.user.pk) if row.user else row.application.client_id,
            "scope": row.scope,
            "iss": settings.OAUTH_ISSUER,
            "aud": settings.ACCESS_TOKEN_AUDIENCE,
            "iat": int(row.created.timestamp()),
            "exp": int(row.expires.timestamp()),
        }
        return JsonResponse(description, headers=NEVER_STORED)


@method_decorator(csrf_exempt, name="dispatch")
class UserInfoView(toolkit.UserInfoView):
    """Who the token speaks for (OpenID Connect Core §5.3). A token in the address is not looked at."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """RFC 9700 §4.3.2: what stands in addresses stands in logs."""
        if "access_token" in request.GET:
            sentence = "Send the token in the Authorization header, not in the address."
            return _error(401, "invalid_token", sentence, WWW_Authenticate='Bearer error="invalid_token"')
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer


def metadata(request: HttpRequest) -> HttpResponse:
    """What this server offers and where: RFC 8414 and OpenID Connect Discovery in one document."""
    authentication = ["client_secret_basic", "client_secret_post"]
    names = ("authorize", "token", "revoke", "introspect", "userinfo", "jwks")
    at = {name: f"{settings.PORTAL_URL}{reverse(f'oauth2_provider:{name}')}" for name in names}
    document = {
        "issuer": settings.OAUTH_ISSUER,
        "authorization_endpoint": at["authorize"],
        "token_endpoint": at["token"],
        "revocation_endpoint": at["revoke"],
        "introspection_endpoint": at["introspect"],
        "userinfo_endpoint": at["userinfo"],
        "jwks_uri": at["jwks"],
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


class Unreadable(Exception):
    """A request to a client's endpoint that RFC 6749 does not allow: the error, and a sentence for its programmer."""


def _client_id(request: HttpRequest) -> str:
    """Whom the caller claims to be, in one way. Raises Unreadable."""
    if request.method != "POST":
        return ""
    if request.GET:  # where secrets would stand in logs: RFC 6749 §2.3.1
        raise Unreadable("invalid_request", "Send all parameters in the body of the request, none in the address.")
    if request.content_type not in FORMS and request.body:
        raise Unreadable("invalid_request", f"Send the parameters as {FORMS[0]}.")
    try:
        fields = request.POST
    except (BadRequest, MultiPartParserError) as error:  # another charset than UTF-8, a form without end
        raise Unreadable("invalid_request", f"The form cannot be read. Send it as {FORMS[0]} in UTF-8.") from error
    if twice := _sent_twice(fields):
        raise Unreadable("invalid_request", f"The parameter {twice} was sent more than once.")
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if not scheme or scheme.lower() == "bearer":
        return fields.get("client_id", "")
    if scheme.lower() != "basic":
        raise Unreadable("invalid_client", "Authenticate with HTTP Basic.")
    try:  # each half is form-encoded: RFC 6749 §2.3.1
        client_id, colon, _ = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except ValueError:
        client_id, colon = "", ""
    if not colon or not is_readable(client_id := unquote_plus(client_id)):
        text = "What follows Basic is not the base64 of an id, a colon and a secret in UTF-8."
        raise Unreadable("invalid_client", text)
    if fields.get("client_secret") or fields.get("client_id", client_id) not in ("", client_id):
        text = "Authenticate in one way: in the header Authorization or in the body, not in both."
        raise Unreadable("invalid_request", text)
    return client_id


def _sent_twice(fields: QueryDict) -> str:
    """A parameter that stands there more than once; `resource` may (RFC 8707 §2)."""
    return next((name for name, values in fields.lists() if len(values) > 1 and name != "resource"), "")


def _error(status: int, error: str, description: str, **headers: object) -> HttpResponse:
    """A refusal as RFC 6749 §5.2 writes it, never stored. In the names of `headers` an underscore is a hyphen."""
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    body = {"error": error, "error_description": description}
    return JsonResponse(body, status=status, headers={**NEVER_STORED, **named})
