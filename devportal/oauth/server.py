"""The protocol engine, reduced to what is offered: authorization code with PKCE, client credentials, refresh."""

import re
from typing import Any

from django.utils import timezone
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.endpoints import (
    AuthorizationEndpoint,
    ResourceEndpoint,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant, ClientCredentialsGrant
from oauthlib.oauth2.rfc6749.tokens import BearerToken
from oauthlib.openid.connect.core.endpoints.userinfo import UserInfoEndpoint
from oauthlib.openid.connect.core.grant_types import AuthorizationCodeGrant as OpenIDCodeGrant
from oauthlib.openid.connect.core.grant_types import RefreshTokenGrant
from oauthlib.openid.connect.core.grant_types.dispatchers import (
    AuthorizationCodeGrantDispatcher,
    AuthorizationTokenGrantDispatcher,
)

from devportal import tokens
from devportal.operations.token_rates import TooManyTokens, reserve_token

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 in base64url, RFC 7636 §4.2


class IssuedTooFast(OAuth2Error):
    """Tokens are issued to the application faster than it may have them; the client is told when to come back.

    RFC 6749 §5.2 has no word for it; `temporarily_unavailable` is the one of §4.1.2.1.
    """

    error = "temporarily_unavailable"
    status_code = 429

    def __init__(self, refusal: TooManyTokens, request: Request) -> None:
        super().__init__(str(refusal), request=request)
        self._own_headers = refusal.headers

    @property
    def headers(self) -> dict[str, str]:
        """When to come back."""
        return {**super().headers, **self._own_headers}


class Bearer(BearerToken):
    """Bearer tokens of which the text and the row agree on the moment they were made (`request.issued_at`)."""

    def create_token(self, request: Request, refresh_token: bool = False, **_: object) -> dict[str, Any]:
        """The body of a successful answer (RFC 6749 §5.1)."""
        request.issued_at = timezone.now()
        try:
            reserve_token(client=request.client, now=request.issued_at)
        except TooManyTokens as refusal:
            raise IssuedTooFast(refusal, request) from None
        return dict(super().create_token(request, refresh_token))


class Server(AuthorizationEndpoint, TokenEndpoint, ResourceEndpoint, RevocationEndpoint, UserInfoEndpoint):
    """What the toolkit drives. There is no implicit, password, hybrid or device grant to switch off: none is here.

    Access tokens last as long as `tokens.life_of` their client says; the toolkit's own figures are not used.
    """

    def __init__(self, request_validator: object, **_: object) -> None:
        bearer = Bearer(
            request_validator,
            token_generator=lambda request: tokens.mint(
                client=request.client,
                user=None if request.grant_type == "client_credentials" else request.user,
                scopes=request.scopes,
                seconds=request.expires_in,
                now=request.issued_at,
            ),
            expires_in=lambda request: tokens.life_of(request.client),
            refresh_token_generator=lambda _: tokens.random_token(),  # opaque: nobody but this server reads it
        )
        code = AuthorizationCodeGrant(request_validator, post_auth=[_check_authorization])
        openid_code = OpenIDCodeGrant(request_validator, post_auth=[_check_authorization])
        AuthorizationEndpoint.__init__(
            self,
            default_response_type="code",
            default_token_type=bearer,
            response_types={"code": AuthorizationCodeGrantDispatcher(default_grant=code, oidc_grant=openid_code)},
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            default_token_type=bearer,
            grant_types={
                "authorization_code": AuthorizationTokenGrantDispatcher(
                    request_validator, default_grant=code, oidc_grant=openid_code
                ),
                "client_credentials": ClientCredentialsGrant(request_validator),
                "refresh_token": RefreshTokenGrant(request_validator),
            },
        )
        ResourceEndpoint.__init__(self, default_token="Bearer", token_types={"Bearer": bearer})  # noqa: S106
        RevocationEndpoint.__init__(self, request_validator)
        UserInfoEndpoint.__init__(self, request_validator)


def _check_authorization(request: Request) -> dict[str, Any]:
    """What the engine leaves open about an authorization request; the person sees no page until it is settled."""
    if request.code_challenge_method != "S256":  # left out, it means plain: RFC 7636 §4.3
        raise InvalidRequestError('Send code_challenge_method=S256; "plain" is not offered.', request=request)
    if not CHALLENGE.fullmatch(request.code_challenge or ""):
        raise InvalidRequestError("The code_challenge is not 43 characters of base64url.", request=request)
    prompts = (request.prompt or "").split()
    if "none" in prompts and len(prompts) > 1:  # OpenID Connect Core §3.1.2.1
        raise InvalidRequestError("prompt=none goes with no other value.", request=request)
    return {}
