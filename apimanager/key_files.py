"""Secrets that an installation makes for itself on first start, one file each in the data folder."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """Return the text of the file at `path`; write what `make` gives, readable by its owner only, if it is not there.

    Several processes may start at once: whoever links the file first wins and all read the same text.
    """
    try:
        return path.read_text()
    except FileNotFoundError:
        draft = _draft(path, make())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its secret is the one that counts
    finally:
        draft.unlink()
    return path.read_text()


def replace(path: Path, text: str) -> None:
    """Put another text into the file at `path`, all at once: whoever reads it has the old one or the new one."""
    _draft(path, text).replace(path)


def _draft(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return draft


def make_signing_key() -> str:
    """A new RSA-2048 private key in PEM, for signing access tokens (RS256, RFC 7518 §3.3)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
