"""How client secrets are stored."""

import hashlib

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

    def encode(self, password: str, salt: str) -> str:
        """`random_sha256$` and the digest in hexadecimal. The salt that the caller brings is left out."""
        return f"{self.algorithm}${hashlib.sha256(password.encode()).hexdigest()}"

    def verify(self, password: str, encoded: str) -> bool:
        """Whether `password` is the secret, compared in constant time."""
        return constant_time_compare(encoded, self.encode(password, ""))

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to even out: every comparison takes the same time."""
