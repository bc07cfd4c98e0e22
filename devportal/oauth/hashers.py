"""How client secrets are stored."""

import hashlib
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare


class RandomSecretHasher(BasePasswordHasher):
    """One SHA-256, for secrets that this program has made from 256 random bits, and for nothing else.

    A slow, salted hash protects what people choose: it makes each of a few billion likely guesses expensive. A secret
    of 256 random bits has no likely guesses, and no table of 2**256 entries can exist, so slowness and salt would add
    nothing but half a second of processor time to every token request. Passwords of people keep Argon2: this hasher
    stands last in PASSWORD_HASHERS and is asked for by name (`CLIENT_SECRET_HASHER`).
    """

    algorithm = "random_sha256"

    def salt(self) -> str:
        """No salt; a placeholder, because the caller insists on one."""
        return "none"

    def encode(self, password: str, salt: str) -> str:
        """`random_sha256$` and the digest in hexadecimal."""
        return f"{self.algorithm}${hashlib.sha256(password.encode()).hexdigest()}"

    def decode(self, encoded: str) -> dict[str, Any]:
        """The parts of a stored value."""
        algorithm, hashed = encoded.split("$", 1)
        return {"algorithm": algorithm, "hash": hashed, "salt": None}

    def verify(self, password: str, encoded: str) -> bool:
        """Whether `password` is the secret, compared in constant time."""
        return constant_time_compare(encoded, self.encode(password, ""))

    def safe_summary(self, encoded: str) -> Any:
        """What an administrator may see: nothing that helps to find the secret."""
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        """Never: there is no work factor that could grow."""
        return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to even out: every comparison takes the same time."""
