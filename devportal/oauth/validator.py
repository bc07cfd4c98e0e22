"""What the OAuth endpoints check and store, where the toolkit's own answer is not strict enough.

Long because the toolkit asks one question a method; the sections below group them.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import F
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

from accounts.models import User
from devportal import grants, queries, rest_scopes, tokens
from devportal.models import OAuthClient
from devportal.operations import oauth_grants
from devportal.operations.secrets import stored


class Validator(OAuth2Validator):
    """The toolkit's rules, and on top of them:

    - a client may use exactly the grants it was given, refresh included;
    - authorization codes are stored as digests, taken exactly once, and a second use ends every token that came of
      the first (RFC 6749 §4.1.2);
    - an access token lives to its own end, refreshed or not (RFC 6749 §1.5): what it opened stays open;
    - a refresh token is replaced at each use. For a few seconds it may be used again by its client, whose first answer
      may have been lost; later use ends its whole family (RFC 9700 §4.14.2);
    - a client gets those scopes that the roles of its person hold, of APIs as of the REST API;
    - nobody who is disabled gets or uses a token, nor does a client whose owner is disabled or no developer any more;
    - a redirect over plain HTTP goes to this machine or nowhere (RFC 8252 §7.3);
    - every token made or ended here says in the audit log who did it.
    """

    # What the scope openid reveals in the ID token and at userinfo.
    oidc_claim_scope = {"sub": "openid", "preferred_username": "openid", "name": "openid"}

    def get_additional_claims(self) -> dict[str, Any]:
        """Who signed in, beside `sub`."""
        return {
            "preferred_username": lambda request: request.user.username,
            "name": lambda request: request.user.display_name,
        }

    # --- clients -------------------------------------------------------------------------------------------

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: OAuthClient, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Whether the client was given this very grant."""
        return grant_type in grants.GRANT_NAMES and grant_type in request.client.grant_types

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Request, *_: Any, **__: Any) -> bool:
        """Whether the address is registered, and encrypted unless it is on the person's own machine."""
        try:
            parts = urlsplit(redirect_uri)
            registered = bool(super().validate_redirect_uri(client_id, redirect_uri, request))
        except ValueError:  # a port or host that cannot be one
            return False
        return registered and (parts.scheme != "http" or parts.hostname in grants.LOOPBACK)

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        """Whether it is the first secret of the client, or another one that still works."""
        if super()._check_secret(provided_secret, stored_secret):
            return not queries.is_suspended_secret(stored_secret)
        return queries.is_other_secret(stored_secret, stored(provided_secret), timezone.now())

    def _load_application(self, client_id: str, request: Request) -> OAuthClient | None:
        client = super()._load_application(client_id, request)
        if client is None or not tokens.may_act(client):
            request.client = None
            return None
        return _signing(client)

    def _get_client_by_audience(self, audience: str | list[str]) -> OAuthClient | None:
        client = super()._get_client_by_audience(audience)
        return _signing(client) if client else None

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: OAuthClient, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Whether a client may ask for these. It is given what the roles of its person hold, for APIs and REST alike.

        What is left out is missing in the answer's `scope` (RFC 6749 §3.3); if nothing is left, that is a refusal.
        """
        holder = tokens.owner_of(client) if request.grant_type == "client_credentials" else request.user
        if isinstance(holder, User):  # the question to a person is asked before it is known who answers
            request.scopes = scopes = _granted(client, scopes, holder)
        return bool(scopes) and super().validate_scopes(client_id, scopes, client, request)

    # --- authorization codes -------------------------------------------------------------------------------

    def _create_authorization_code(
        self, request: Request, code: dict[str, str], expires: datetime | None = None
    ) -> Grant:
        stored = {**code, "code": tokens.digest(code["code"])}
        row = super()._create_authorization_code(request, stored, expires)
        if request.using_default_redirect_uri:
            oauth_grants.leave_out_address(code=row)
        return row

    def get_authorization_code_scopes(self, client_id: str, code: str, redirect_uri: str, request: Request) -> Any:
        """The first question about a code. From here on the request knows its digest only."""
        request.code = tokens.digest(code)
        return super().get_authorization_code_scopes(client_id, request.code, redirect_uri, request)

    def validate_code(
        self, client_id: str, code: str, client: OAuthClient, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Whether the code waits to be taken by this client for somebody who may still act.

        What is asked about the code after this is answered from the row read here, for another request may take it.
        """
        request.refresh_token_instance = None  # not what a form field of this name may say
        request.code_row = Grant.objects.filter(code=code, application=client).first()
        if request.code_row is None or not super().validate_code(client_id, code, client, request):
            oauth_grants.end_family(family=_family_of_code(code), client=client, now=timezone.now())
            return False
        return bool(request.user.is_active)

    def get_code_challenge(self, code: str, request: Request) -> str | None:
        """What the verifier has to match (RFC 7636 §4.6)."""
        return request.code_row.code_challenge or None

    def get_code_challenge_method(self, code: str, request: Request) -> str | None:
        """How it has to match."""
        return request.code_row.code_challenge_method or None

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: OAuthClient, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Whether the address is the one the code was sent to, and named again if it was named (RFC 6749 §4.1.3)."""
        row: Grant = request.code_row
        if not row.redirect_uri:  # none was named when the code was asked for
            return bool(redirect_uri == client.default_redirect_uri)
        return not request.using_default_redirect_uri and bool(row.redirect_uri_allowed(redirect_uri))

    def invalidate_authorization_code(self, client_id: str, code: str, request: Request, *_: Any, **__: Any) -> None:
        """Nothing more to do: the code was taken in the transaction that stored its tokens."""

    # --- tokens --------------------------------------------------------------------------------------------

    def save_bearer_token(self, token: dict[str, Any], request: Request, *_: Any, **__: Any) -> None:
        """Store the digests of what was minted, if the code or refresh token it is for may still be used then.

        A client without the refresh grant is not told its refresh token. The row is kept all the same, because it
        ties the access token to its code: see `oauth_grants.end_family`.
        """
        person = None if request.grant_type == "client_credentials" else request.user
        try:
            actor = person or tokens.owner_of(request.client)
            with tokens.attributed(actor=actor, now=request.issued_at):
                super().save_bearer_token(token, request)
        except InvalidGrantError:
            oauth_grants.end_family(family=_family_of(request), client=request.client, now=timezone.now())
            raise
        if "refresh_token" not in request.client.grant_types:
            token.pop("refresh_token", None)

    def _save_bearer_token(self, token: dict[str, Any], request: Request, *_: Any, **__: Any) -> None:
        request.used_refresh_token = None  # not what a form field of this name may say
        if request.grant_type == "authorization_code":
            super().invalidate_authorization_code(request.client_id, request.code, request)
        if request.grant_type == "refresh_token":
            self._check_and_set_request_resource(request)
            row = oauth_grants.use_refresh_token(token=request.refresh_token_instance, clock=timezone.now)
            if row is None:
                raise InvalidGrantError(request=request)
            request.used_refresh_token = row
            # The toolkit would end the access token that came with the one just used, and with it open sockets.
            request.refresh_token_instance = None
        super()._save_bearer_token(token, request)

    def _create_access_token(
        self, expires: datetime, request: Request, token: dict[str, Any], source_refresh_token: Any = None
    ) -> AccessToken:
        # The row ends with the `exp` claim of the token, to the second.
        expires = request.issued_at + timedelta(seconds=request.expires_in)
        used: RefreshToken | None = request.used_refresh_token
        # What it came of is a column of which each value may stand once.
        source = used if used and not oauth_grants.has_successor(used) else None
        return super()._create_access_token(expires, request, token, source)

    def _create_refresh_token(
        self, request: Request, refresh_token_code: str, access_token: AccessToken, previous_refresh_token: Any
    ) -> RefreshToken:
        row = super()._create_refresh_token(request, refresh_token_code, access_token, request.used_refresh_token)
        if request.grant_type == "authorization_code":
            oauth_grants.join_family(token=row, family=_family_of(request))
        return row

    def validate_refresh_token(
        self, refresh_token: str, client: OAuthClient, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Whether the refresh token may be used now; use after its time ends its whole family."""
        rows = RefreshToken.objects.filter(token_checksum=tokens.digest(refresh_token), application=client)
        row = rows.select_related("access_token", "user").order_by(F("revoked").desc(nulls_first=True)).first()
        if row is None:
            return False
        life = timedelta(seconds=oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS)  # after its access token's end
        if row.revoked is None and (row.access_token is None or row.access_token.expires + life <= timezone.now()):
            return False
        if row.revoked is not None and not oauth_grants.may_be_used_again(row, timezone.now()):
            oauth_grants.end_family(family=row.token_family, client=client, now=timezone.now())
            return False
        request.user, request.refresh_token, request.refresh_token_instance = row.user, refresh_token, row
        return bool(row.user.is_active)

    def get_original_scopes(self, refresh_token: str, request: Request, *_: Any, **__: Any) -> list[str]:
        """What a refresh may carry on: of what the person agreed to, what their roles still allow."""
        agreed = super().get_original_scopes(refresh_token, request)
        names = agreed.split() if isinstance(agreed, str) else list(agreed)
        return _granted(request.client, names, request.user) if request.client.application else names

    def validate_bearer_token(self, token: str, scopes: list[str], request: Request) -> bool:
        """Whether a token opens the userinfo endpoint: valid, and nobody behind it is disabled."""
        return bool(super().validate_bearer_token(token, scopes, request)) and tokens.is_backed(request.access_token)

    def revoke_token(self, token: str, token_type_hint: str, request: Request, *_: Any, **__: Any) -> None:
        """End a token of this client and what hangs on it."""
        oauth_grants.end_token(token=token, client=request.client, now=timezone.now())

    # --- how clients say who they are ----------------------------------------------------------------------

    def _extract_basic_auth(self, request: Request) -> str | None:
        # The toolkit knows the scheme in one spelling only. What stands there is checked before: see `views`.
        scheme, _, credentials = (request.headers.get("HTTP_AUTHORIZATION") or "").partition(" ")
        return credentials.strip() if scheme.lower() == "basic" else None

    # --- prompt=none: what it means for a person is the view's to say ---------------------------------------

    def validate_silent_login(self, request: Request) -> bool:
        """Not asked here, where nobody knows who is signed in."""
        return True

    validate_silent_authorization = validate_silent_login


def _granted(client: OAuthClient, scopes: list[str], holder: User) -> list[str]:
    """Those of the scopes that a client's token for this person carries."""
    if client.application is None:
        return rest_scopes.granted(scopes, holder.roles)
    return queries.scopes_granted(client.application, scopes, holder)


def _signing(client: OAuthClient) -> OAuthClient:
    """Every client's ID tokens are signed with the server's key; the toolkit's choice per client is not offered."""
    client.algorithm = OAuthClient.RS256_ALGORITHM
    return client


def _family_of(request: Request) -> uuid.UUID:
    """The family that the tokens of a request belong to."""
    if request.grant_type == "refresh_token":
        used: RefreshToken = request.used_refresh_token or request.refresh_token_instance
        family: uuid.UUID = used.token_family
        return family
    return _family_of_code(request.code)


def _family_of_code(code_digest: str) -> uuid.UUID:
    """The family of the tokens that come of a code: made from it, so that its second use finds them."""
    return uuid.UUID(tokens.digest(code_digest)[:32])
