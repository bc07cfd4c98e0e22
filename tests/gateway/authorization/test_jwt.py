"""What a token proves by itself: made by the issuer's own code, and spoilt in every way we can think of."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwk, jwt

from gateway.authorization.grants import TokenError
from gateway.authorization.jwt import LONGEST_TOKEN, JwtVerifier
from tests.gateway.builders import HOUR, NOW

ISSUER, AUDIENCE = "https://localhost:9443/oauth2", "websocket-gateway"
PRIVATE = generate_private_key(public_exponent=65537, key_size=2048)
SIGNER = jwk.JWK.from_pyca(PRIVATE)
STRANGER = jwk.JWK.generate(kty="RSA", size=2048)
VERIFIER = JwtVerifier(keys={SIGNER.thumbprint(): PRIVATE.public_key()}, issuer=ISSUER, audience=AUDIENCE)
CLAIMS: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(NOW + HOUR), "sub": "client"}
HEADER: dict[str, Any] = {"typ": "at+jwt", "alg": "RS256", "kid": SIGNER.thumbprint()}


def token(*, key: jwk.JWK = SIGNER, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A signed token whose header and claims are the right ones but for what is given; None leaves a claim out."""
    kept = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    made = jwt.JWT(header={**HEADER, **(header or {})}, claims=json.dumps(kept), algs=["RS256", "RS512", "HS256"])
    made.make_signed_token(key)
    return str(made.serialize())


def encoded(document: Any) -> str:
    """A part of a token."""
    return urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def test_a_token_of_ours_is_left_to_its_row() -> None:
    assert VERIFIER.refuse(token(), NOW) is None


@pytest.mark.parametrize("given", [{"aud": [AUDIENCE, "other"]}, {"exp": NOW + 0.5}])
def test_what_the_standard_allows_is_allowed(given: dict[str, Any]) -> None:
    assert VERIFIER.refuse(token(**given), NOW) is None


def test_the_longer_name_of_the_type_is_allowed() -> None:
    assert VERIFIER.refuse(token(header={"typ": "application/at+JWT"}), NOW) is None


@pytest.mark.parametrize("ended", [NOW, NOW - 1])
def test_a_token_that_ended_is_said_to_be_expired(ended: float) -> None:
    assert VERIFIER.refuse(token(exp=ended), NOW) is TokenError.EXPIRED


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.test"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
    ],
)
def test_a_claim_that_is_wrong_spoils_a_good_signature(claims: dict[str, Any]) -> None:
    assert VERIFIER.refuse(token(**claims), NOW) is TokenError.UNKNOWN


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"kid": "another"},
        {"kid": None},
        {"alg": "RS512"},
        {"crit": ["b64"], "b64": True},
    ],
)
def test_a_header_that_is_wrong_spoils_a_good_signature(header: dict[str, Any]) -> None:
    given = {name: value for name, value in {**HEADER, **header}.items() if value is not None}
    signed = f"{encoded(given)}.{encoded(CLAIMS)}"
    signature = urlsafe_b64encode(PRIVATE.sign(signed.encode(), PKCS1v15(), SHA256())).decode().rstrip("=")
    assert VERIFIER.refuse(f"{signed}.{signature}", NOW) is TokenError.UNKNOWN


def test_a_strangers_signature_is_refused_also_under_our_key_id() -> None:
    assert VERIFIER.refuse(token(key=STRANGER), NOW) is TokenError.UNKNOWN


def test_a_token_without_a_signature_or_with_our_public_key_as_secret_is_refused() -> None:
    public = jwk.JWK(kty="oct", k=urlsafe_b64encode(SIGNER.export_to_pem()).decode().rstrip("="))
    assert VERIFIER.refuse(token(key=public, header={"alg": "HS256"}), NOW) is TokenError.UNKNOWN
    unsigned = f"{encoded({**HEADER, 'alg': 'none'})}.{encoded(CLAIMS)}."
    assert VERIFIER.refuse(unsigned, NOW) is TokenError.UNKNOWN


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_letter_anywhere_is_noticed(part: int) -> None:
    parts = token().split(".")
    parts[part] = parts[part][:5] + ("A" if parts[part][5] != "A" else "B") + parts[part][6:]
    assert VERIFIER.refuse(".".join(parts), NOW) is TokenError.UNKNOWN


def test_a_token_spelt_in_another_way_is_not_taken() -> None:
    whole = token()
    assert VERIFIER.refuse(f"{whole}~", NOW) is TokenError.UNKNOWN
    assert VERIFIER.refuse(f"{whole}=", NOW) is TokenError.UNKNOWN


@pytest.mark.parametrize(
    "bogus",
    [
        "",
        "two words",
        "caf\xe9",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "..",
        f"{encoded([])}.{encoded({})}.AAAA",
        f"{encoded(HEADER)}.bm8.AAAA",
        "x" * (LONGEST_TOKEN + 1),
        "\n",
        "A" * 7000 + "." + "B" * 500 + ".C",
    ],
    ids=lambda bogus: f"{len(bogus)} characters",  # the text itself is another one in each process
)
def test_what_cannot_be_a_token_of_ours_is_refused_without_asking(bogus: str) -> None:
    assert VERIFIER.refuse(bogus, NOW) is TokenError.UNKNOWN


@pytest.mark.parametrize("opaque", ["a", "mF_9-B5f", "Zm9v+/~=="])
def test_an_opaque_token_is_left_to_its_row(opaque: str) -> None:
    assert VERIFIER.refuse(opaque, NOW) is None


@given(
    st.text(max_size=60)
    | st.lists(st.binary(max_size=20).map(lambda raw: urlsafe_b64encode(raw).decode())).map(".".join)
)
def test_nothing_that_is_sent_raises(bogus: str) -> None:
    assert VERIFIER.refuse(bogus, NOW) in (None, TokenError.UNKNOWN)


def test_deeply_nested_claims_are_refused() -> None:
    deep = urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")
    assert VERIFIER.refuse(f"{deep}.{deep}.AAAA"[:LONGEST_TOKEN], NOW) is TokenError.UNKNOWN
    assert VERIFIER.refuse(f"{deep[:3000]}.AA.AA", NOW) is TokenError.UNKNOWN
