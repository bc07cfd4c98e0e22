"""Who calls, as a backend reads it."""

from __future__ import annotations

from typing import Any

from gateway.authorization.decision import Allow
from gateway.authorization.identity import LIFE, identity_claims
from gateway.routing.table import route_to
from gateway.upstream.headers import backend_headers
from tests.gateway.builders import NOW, PRODUCTION, deployment, grant, handshake

PERSON = {"user_id": "9", "user_name": "Åsa\r\nX-APIM-Plan: Free"}


def admitted(*, subscribed: bool = True, **given: Any) -> Allow:
    """Carol's application let in."""
    held = grant(**given)
    route = route_to(deployment(), "")
    assert route is not None
    return Allow(route, held, held.subscriptions["/echo@1.0.0"] if subscribed else None, PRODUCTION)


def headers(allowed: Allow, identity: str = "") -> dict[bytes, bytes]:
    """What the backend gets."""
    return dict(backend_headers(handshake(), allowed, "c1", identity))


def test_the_end_user_of_a_token_is_named_on_one_line_of_ascii() -> None:
    assert headers(admitted(**PERSON))[b"X-APIM-End-User"] == b"%C3%85sa%0D%0AX-APIM-Plan: Free"


def test_client_credentials_have_no_end_user() -> None:
    allowed = admitted()
    assert b"X-APIM-End-User" not in headers(allowed)
    claims = identity_claims(allowed, "c1", "https://issuer.test", NOW)
    assert claims["sub"] == "client"
    assert "end_user" not in claims


def test_an_identity_is_a_header_where_it_was_signed() -> None:
    assert headers(admitted(), "a.b.c")[b"X-APIM-Identity"] == b"a.b.c"
    assert b"X-APIM-Identity" not in headers(admitted())


def test_the_claims_name_everybody_behind_a_call() -> None:
    assert identity_claims(admitted(user_id="9", user_name="Åsa"), "c1", "https://issuer.test", NOW + 0.9) == {
        "iss": "https://issuer.test",
        "aud": "/echo@1.0.0",
        "sub": "9",
        "iat": int(NOW),
        "exp": int(NOW) + LIFE,
        "jti": "c1",
        "application": {"id": "app", "name": "Chat client"},
        "subscriber": "carol",
        "end_user": "Åsa",
        "api": {"id": "/echo@1.0.0", "name": "Echo", "context": "/echo", "version": "1.0.0"},
        "key_type": "PRODUCTION",
        "plan": "Gold",
    }


def test_a_call_without_a_subscription_has_no_plan() -> None:
    allowed = admitted(subscribed=False)
    assert "plan" not in identity_claims(allowed, "c1", "https://issuer.test", NOW)
    assert b"X-APIM-Plan" not in headers(allowed)
