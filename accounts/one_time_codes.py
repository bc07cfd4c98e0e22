"""Codes that are good for once: of an authenticator app (TOTP, RFC 6238), and those for whoever has lost it. Pure."""

from __future__ import annotations

import secrets
from base64 import b32decode, b32encode
from datetime import datetime
from hashlib import blake2b
from hmac import compare_digest

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_SECONDS, DIGITS = 30, 6  # what every app takes without being told
SECRET_BYTES = 20  # as many as the hash has (RFC 4226 §4, R6)
LONGEST_ACCOUNT = 40  # characters of a name in the picture, which becomes too fine to be read otherwise
RECOVERY_CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look like another
RECOVERY_GROUPS, RECOVERY_LENGTH = 4, 4  # 79 bits, so that a plain digest of one is enough


def new_secret() -> str:
    """A secret for an app, in base 32 as apps take it."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Which step of thirty seconds a code belongs to: this one, or one beside it for clocks that differ; else None."""
    app, this = _app(secret), int(now.timestamp()) // STEP_SECONDS
    steps = (this - 1, this, this + 1)
    fitting = [step for step in steps if compare_digest(app.generate(step * STEP_SECONDS), code.encode())]
    return fitting[0] if fitting else None


def app_address(secret: str, *, account: str, issuer: str) -> str:
    """The `otpauth:` address that an app reads out of a picture."""
    names = account[:LONGEST_ACCOUNT].replace(":", " "), issuer.replace(":", " ")
    return _app(secret).get_provisioning_uri(*names).replace("+", "%20")  # which some apps show as it stands


def in_groups(groups: int, length: int) -> str:
    """So many groups of letters that nobody can guess, to be read out or written down: "f7kq-2mxd"."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(length)) for _ in range(groups))


def digest_of(recovery_code: str) -> str:
    """What is kept of a recovery code, however its groups were typed."""
    letters = "".join(letter for letter in recovery_code.lower() if letter.isalnum())
    return blake2b(letters.encode(), digest_size=32, person=b"recovery code").hexdigest()


def _app(secret: str) -> TOTP:
    return TOTP(b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - HMAC, and what apps take
