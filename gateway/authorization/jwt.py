"""Whether a token could be one of ours, told without the database: shape, signature and claims. Pure.

An access token of type JWT is checked as RFC 9068 §4 says, with RFC 8725's caution: one algorithm, named keys, an
explicit type, issuer and audience. What a signature cannot tell, that the token was revoked, its row does.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.authorization.grants import TokenError

TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
LONGEST_TOKEN = 8192

_SHAPE = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_PADDING, _HASH = PKCS1v15(), SHA256()


class InvalidToken(ValueError):
    """The token is not one of ours; the message says why and never quotes it."""


@dataclass(frozen=True, slots=True)
class JwtVerifier:
    """Checks tokens against the public keys of the issuer, by key id."""

    keys: Mapping[str, RSAPublicKey]
    issuer: str
    audience: str

    def refuse(self, token: str, now: float) -> TokenError | None:
        """Why this token cannot be valid at `now`, in seconds since the epoch; None: its row has to be asked."""
        if len(token) > LONGEST_TOKEN or not _SHAPE.fullmatch(token):
            return TokenError.UNKNOWN
        if "." not in token:
            return None
        try:
            return None if now < self._expiry(token) else TokenError.EXPIRED
        except InvalidToken:
            return TokenError.UNKNOWN

    def _expiry(self, token: str) -> int | float:
        if not _JWT.fullmatch(token):
            raise InvalidToken("not a signed JWT")
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        named = _document(header)
        if named.get("alg") != "RS256":
            raise InvalidToken("another algorithm")
        if str(named.get("typ")).lower() not in TOKEN_TYPES:
            raise InvalidToken("not an access token")
        if "crit" in named:
            raise InvalidToken("an extension that is not understood")
        key = self.keys.get(str(named.get("kid")))
        if key is None:
            raise InvalidToken("an unknown key")
        try:
            key.verify(_bytes(signature), signed.encode("ascii"), _PADDING, _HASH)
        except InvalidSignature:
            raise InvalidToken("the signature is wrong") from None
        claims = _document(payload)
        if claims.get("iss") != self.issuer:
            raise InvalidToken("another issuer")
        audience = claims.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidToken("another audience")
        expiry = claims.get("exp")
        if isinstance(expiry, bool) or not isinstance(expiry, int | float):
            raise InvalidToken("no expiry")
        return expiry


def _document(part: str) -> dict[str, Any]:
    try:
        document = json.loads(_bytes(part))
    except (ValueError, RecursionError):
        raise InvalidToken("a part is not JSON") from None
    if not isinstance(document, dict):
        raise InvalidToken("a part is not an object")
    return document


def _bytes(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise InvalidToken("a part is not base64url") from None
