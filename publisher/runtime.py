"""What of an API is decided while it is called: how large a message may be, and with which keys. Pure."""

from __future__ import annotations

from typing import Any

from core.values import BadValue

KEY_TYPES = ("PRODUCTION", "SANDBOX")
LARGEST = 2**40  # bytes


def all_key_types() -> list[str]:
    """Keys of every type may call."""
    return [*KEY_TYPES]


def clean_key_types(value: Any) -> list[str]:
    """The types in their usual order; raises BadValue."""
    if not isinstance(value, list | tuple) or not value or not all(each in KEY_TYPES for each in value):
        raise BadValue("Say which keys may call: PRODUCTION, SANDBOX or both.")
    return [each for each in KEY_TYPES if each in value]


def clean_message_bytes(value: Any) -> int:
    """A number of bytes, 0 for no limit of the API's own; raises BadValue."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise BadValue(f"The largest message is a whole number of bytes from 1 to {LARGEST}, or 0 for no limit.")
    return value
