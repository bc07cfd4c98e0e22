"""Who a client is, signed for its backend: a JWT that the installation's public keys verify. Pure.

It is not an access token: its type and audience are others, so neither gateway nor portals take it for one.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.authorization.decision import Allow

LIFE = 300  # seconds
_PADDING, _HASH = PKCS1v15(), SHA256()


class IdentitySigner:
    """Signs who a client is. A signature takes about 0.3 ms of processor time: one per handshake, none per frame."""

    def __init__(self, *, key: RSAPrivateKey, key_id: str, issuer: str) -> None:
        self._key = key
        self._issuer = issuer
        self._header = _part({"typ": "JWT", "alg": "RS256", "kid": key_id})

    def sign(self, admitted: Allow, connection_id: str, now: float) -> str:
        """The JWT for one connection; `now` in seconds since the epoch."""
        signed = f"{self._header}.{_part(identity_claims(admitted, connection_id, self._issuer, now))}"
        return f"{signed}.{_encoded(self._key.sign(signed.encode(), _PADDING, _HASH))}"


def identity_claims(admitted: Allow, connection_id: str, issuer: str, now: float) -> dict[str, Any]:
    """What a backend is told. `sub` is that of the access token: an id, which no later namesake comes to have."""
    grant, deployment = admitted.grant, admitted.route.deployment
    claims = {
        "iss": issuer,
        "aud": deployment.api_id,
        "sub": grant.user_id or grant.client_id,
        "iat": int(now),
        "exp": int(now) + LIFE,
        "jti": connection_id,
        "application": {"id": grant.application_id, "name": grant.application_name},
        "subscriber": grant.owner_name,
        "api": {
            "id": deployment.api_id,
            "name": deployment.name,
            "context": deployment.context,
            "version": deployment.version,
        },
        "key_type": grant.key_type,
    }
    if grant.user_id:
        claims["end_user"] = grant.user_name
    if admitted.subscription:
        claims["plan"] = admitted.subscription.plan
    return claims


def _part(document: dict[str, Any]) -> str:
    return _encoded(json.dumps(document, separators=(",", ":")).encode())


def _encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")
