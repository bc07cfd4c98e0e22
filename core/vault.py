"""Secrets at rest: sealed with a key that lies in a file of its own, never in the database.

The file holds one Fernet key a line (AES-128-CBC with HMAC-SHA256). The first seals; all of them open, so that what was
sealed before a rotation stays readable. It is read again when it changes, so a rotation needs no restart.
"""

from __future__ import annotations

import threading
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

KEPT_KEYS = 2


class CannotOpen(ValueError):
    """A secret was sealed with a key that is not in the file, or the file cannot be used."""


def seal(text: str) -> str:
    """The text, readable only with the key. Twice the same text gives two different results."""
    return _keys().encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """What was sealed. Raises CannotOpen."""
    try:
        return _keys().decrypt(token).decode()
    except (InvalidToken, ValueError) as error:
        raise CannotOpen(
            f"A secret cannot be opened: it was sealed with another key than those in {settings.VAULT_KEY_FILE}. Put "
            "the right file back, or enter the secret again."
        ) from error


def rotated(text: str = "") -> str:
    """What the key file holds after a rotation, with `text` in it now: a new key, and the one that sealed so far."""
    return "\n".join([Fernet.generate_key().decode(), *text.split()][:KEPT_KEYS]) + "\n"


_read: dict[Path, tuple[tuple[int, int], MultiFernet]] = {}
_reading = threading.Lock()


def _keys() -> MultiFernet:
    path: Path = settings.VAULT_KEY_FILE
    with _reading:
        try:
            stat = path.stat()
            stamp = (stat.st_ino, stat.st_mtime_ns)
            if path not in _read or _read[path][0] != stamp:
                _read[path] = (stamp, MultiFernet([Fernet(key) for key in path.read_text().split()]))
        except (OSError, ValueError) as error:
            raise CannotOpen(f"The key of secrets, {path}, cannot be used: {error}. Put it back.") from error
        return _read[path][1]
