"""A passkey of the tests: what a browser and a device answer, made with the library's own pieces."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

ORIGIN = "https://localhost:9443"
PRESENT, VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40


class SoftPasskey:
    """One key pair on one device. `count` goes on by itself; set it back to be a copy."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.handle = ""
        self.count = 0

    def create(self, options: dict[str, Any], origin: str = ORIGIN, flags: int = PRESENT | VERIFIED) -> str:
        """What `navigator.credentials.create` answers."""
        self.handle = options["user"]["id"]
        client = CollectedClientData.create("webauthn.create", options["challenge"], origin)
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(Aaguid.NONE, self.id, public)
        party = sha256(options["rp"]["id"].encode()).digest()
        data = AuthenticatorData.create(party, flags | HAS_CREDENTIAL, self.count, credential)
        made = {"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(
            AttestationObject.create("none", data, {})
        )}  # fmt: skip
        return self._answer(made)

    def sign(
        self, options: dict[str, Any], origin: str = ORIGIN, flags: int = PRESENT | VERIFIED, handle: bool = True
    ) -> str:
        """What `navigator.credentials.get` answers."""
        self.count += 1
        client = CollectedClientData.create("webauthn.get", options["challenge"], origin)
        data = AuthenticatorData.create(sha256(options["rpId"].encode()).digest(), flags, self.count)
        signature = self.key.sign(data + client.hash, ec.ECDSA(SHA256()))
        made = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        answer = {name: websafe_encode(value) for name, value in made.items()}
        return self._answer(answer | ({"userHandle": self.handle} if handle else {}))

    def _answer(self, response: dict[str, str]) -> str:
        known = websafe_encode(self.id)
        return json.dumps({"id": known, "rawId": known, "type": "public-key", "response": response})


def another(answer: str, **changes: Any) -> str:
    """The same answer with parts of it changed: `another(answer, signature="AAAA")`."""
    told = json.loads(answer)
    told["response"] |= changes
    return json.dumps(told)


def flipped(text: str) -> str:
    """Base64url of the same bytes with one bit of the last one turned."""
    known = bytearray(websafe_decode(text))
    known[-1] ^= 1
    return str(websafe_encode(bytes(known)))
