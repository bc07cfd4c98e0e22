"""Passkeys (WebAuthn level 3): what a browser is asked to sign, and whether what it signed is right.

A challenge is kept by the browser that asked for it, in a sealed cookie, so that strangers leave nothing behind here.
The moment at which it was made is part of it: whoever takes a signature remembers that moment beside the passkey, and
takes none that was asked for before it, so a challenge is good for once on every machine.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from core.errors import Invalid
from core.translating import gettext as _
from core.translating import gettext_noop

SALT, SECONDS = "accounts.passkeys", 300
MOST_BYTES = 16_384  # of what a browser answers
LONGEST_ID = 1023  # bytes, WebAuthn §5.8.3
HANDLE_BYTES = 32  # random, so that a person's handle says nothing about them


class Purpose(StrEnum):
    """What a signature is asked for; one that was made for another purpose does not count."""

    REGISTRATION = "registration"
    SIGN_IN = "sign-in"
    SECOND_STEP = "second-step"
    CONFIRMATION = "confirmation"


class PasskeyRefused(Invalid):
    """What the browser sent proves nothing."""

    sentence = gettext_noop("The passkey was not accepted. Try again, or use another way to sign in.")


@dataclass(frozen=True)
class Challenge:
    """What was asked, of whom (0 for whoever it turns out to be), and when."""

    purpose: Purpose
    user: int
    at: datetime
    state: dict[str, Any]

    def sealed(self) -> str:
        """As the browser keeps it."""
        return signing.dumps([self.purpose, self.user, self.at.isoformat(), self.state], salt=SALT)


@dataclass(frozen=True)
class Known:
    """A passkey as it is kept: its id, the person's handle in it, its public key and how often it has signed."""

    credential: bytes
    handle: bytes
    sign_count: int


def ask_to_register(
    *, user: int, handle: bytes | None, name: str, display_name: str, others: list[str], now: datetime
) -> tuple[dict[str, Any], Challenge]:
    """The options for `navigator.credentials.create`.

    `others` are the passkeys that the person has already, and `handle` what stands for them in all of these.
    """
    handle = handle or secrets.token_bytes(HANDLE_BYTES)
    options, state = _server().register_begin(
        PublicKeyCredentialUserEntity(id=handle, name=name, display_name=display_name),
        _descriptors(others),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options.public_key), Challenge(Purpose.REGISTRATION, user, now, {**state, "handle": handle.hex()})


def ask_to_sign(
    purpose: Purpose, *, user: int = 0, passkeys: list[str] | None = None, now: datetime
) -> tuple[dict[str, Any], Challenge]:
    """The options for `navigator.credentials.get`; without `passkeys` the browser offers all that it knows for here.

    After a password it is enough that the passkey is there; alone it has to know its owner, by a finger or a PIN.
    """
    alone = purpose is not Purpose.SECOND_STEP
    wanted = UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.PREFERRED
    options, state = _server().authenticate_begin(_descriptors(passkeys), user_verification=wanted)
    return dict(options.public_key), Challenge(purpose, user, now, state)


def challenge_of(sealed: str, purpose: Purpose, user: int = 0) -> Challenge:
    """What this browser was asked for this purpose, less than five minutes ago. Raises PasskeyRefused."""
    try:
        asked, of, at, state = signing.loads(sealed, salt=SALT, max_age=SECONDS)
    except signing.BadSignature:
        raise PasskeyRefused(_("The passkey came too late, or from another window. Try again.")) from None
    if asked != purpose or of != user:
        raise PasskeyRefused
    return Challenge(purpose, user, datetime.fromisoformat(at), state)


def credential_id_of(text: str) -> str:
    """The id of the passkey that signed, in base64url. Raises PasskeyRefused."""
    with _read(text) as answer:
        return str(websafe_encode(AuthenticationResponse.from_dict(answer).raw_id))


def registered(challenge: Challenge, text: str) -> tuple[str, bytes, int]:
    """The id, the public key with it, and the counter of a new passkey. Raises PasskeyRefused."""
    with _read(text) as answer:
        made = _server().register_complete(challenge.state, RegistrationResponse.from_dict(answer))
    known = made.credential_data
    if known is None or len(known.credential_id) > LONGEST_ID:
        raise PasskeyRefused
    return str(websafe_encode(known.credential_id)), bytes(known), made.counter


def signed(challenge: Challenge, text: str, known: Known) -> int:
    """The counter of a passkey that has signed what was asked. Raises PasskeyRefused.

    A counter that does not go on says that there is a copy; those that have none stay at 0 (WebAuthn §6.1.1).
    """
    with _read(text) as answer:
        given = AuthenticationResponse.from_dict(answer)
        _server().authenticate_complete(challenge.state, [AttestedCredentialData(known.credential)], given)
    handle, count = given.response.user_handle, given.response.authenticator_data.counter
    if handle != known.handle and (handle or challenge.purpose is Purpose.SIGN_IN):
        raise PasskeyRefused
    if count <= known.sign_count and (count or known.sign_count):
        sentence = _("There seems to be a copy of this passkey. Remove it from your account, and make another.")
        raise PasskeyRefused(sentence)
    return count


@contextmanager
def _read(text: str) -> Iterator[dict[str, Any]]:
    """What the browser answered; whatever is wrong with it is refused."""
    try:
        yield json.loads(text if len(text) <= MOST_BYTES else "")
    except Exception as error:  # the library lists nowhere what it raises for bytes that are no answer at all
        raise PasskeyRefused from error


def _server() -> Fido2Server:
    public = urlsplit(settings.PORTAL_URL)
    host = public.hostname or ""
    party = PublicKeyCredentialRpEntity(id=host, name="API Manager")
    return Fido2Server(party, verify_origin=lambda origin: origin == f"{public.scheme}://{public.netloc}")


def _descriptors(ids: list[str] | None) -> list[PublicKeyCredentialDescriptor] | None:
    kind = PublicKeyCredentialType.PUBLIC_KEY
    return None if ids is None else [PublicKeyCredentialDescriptor(type=kind, id=websafe_decode(each)) for each in ids]
