"""What an OAuth client does, in one call each."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from devportal.models import OAuthClient

VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"
CALLBACK = "https://app.example.com/callback"
ALL_GRANTS = ("client_credentials", "authorization_code", "refresh_token")


def challenge(verifier: str = VERIFIER) -> str:
    """The S256 code challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Request headers with HTTP Basic credentials."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def authorize_params(keys: OAuthClient, **changes: str | None) -> dict[str, str]:
    """A good authorization request; a change to None leaves the parameter out."""
    good = {
        "client_id": keys.client_id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "default",
        "state": "xyz",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def consent(person: User, keys: OAuthClient, **changes: str | None) -> dict[str, str]:
    """Sign in, agree on the consent page, and return what came back to the callback."""
    browser = Client()
    browser.force_login(person)
    page = browser.get("/oauth2/authorize", authorize_params(keys, **changes))
    assert page.status_code == 200, page.headers
    fields = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    return answer(browser.post("/oauth2/authorize", {**fields, "allow": "on"}))


def answer(response: HttpResponse) -> dict[str, str]:
    """The parameters of a redirect to the callback."""
    assert response.status_code == 302, response.content
    parts = urlsplit(response["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def token(client: Client, keys: OAuthClient, secret: str, /, **fields: str) -> Any:
    """Post to the token endpoint with Basic credentials."""
    return client.post("/oauth2/token", fields, headers=basic(keys.client_id, secret))


def exchange(client: Client, keys: OAuthClient, secret: str, code: str, /, **changes: str | None) -> Any:
    """Exchange a code for tokens; a change to None leaves the field out."""
    good = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    fields = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return token(client, keys, secret, **fields)


def refresh(client: Client, keys: OAuthClient, secret: str, refresh_token: str, /, **fields: str) -> Any:
    """Use a refresh token."""
    return token(client, keys, secret, grant_type="refresh_token", refresh_token=refresh_token, **fields)
