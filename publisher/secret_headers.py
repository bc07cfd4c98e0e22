"""Headers for backends that hold a secret: sealed where they are stored, hidden where they are shown.

An options document (`publisher.endpoint`) carries them as `secret_headers`, name by name. In the database the values
are sealed; a revision takes them over as they are, so that design and revision can be compared without the key. What a
person reads has `HIDDEN` in their place, and `HIDDEN` sent back keeps what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import vault
from core.values import invalid
from publisher.endpoint import HIDDEN

KEY = "secret_headers"


def hidden(options: Mapping[str, Any]) -> dict[str, Any]:
    """A stored document as people may see it."""
    return {**options, KEY: dict.fromkeys(options.get(KEY, {}), HIDDEN)}


def opened(options: Mapping[str, Any]) -> dict[str, Any]:
    """A stored document as a backend is dialled by it: secret headers are headers. Raises core.vault.CannotOpen."""
    secrets = {name: vault.unseal(value) for name, value in options.get(KEY, {}).items()}
    return {**options, "headers": {**options.get("headers", {}), **secrets}, KEY: {}}


def sealed(options: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """A clean document as it is to be stored in place of `stored`. What did not change stays as it is, to the letter.

    Raises Invalid (field `secret_headers`) where a value is to be kept and there is none.
    """
    there = {name.lower(): value for name, value in stored.get(KEY, {}).items()}
    return {**options, KEY: {name: _sealed(name, text, there) for name, text in options.get(KEY, {}).items()}}


def _sealed(name: str, text: str, there: Mapping[str, str]) -> str:
    kept = there.get(name.lower())
    if text == HIDDEN:
        if kept is None:
            raise invalid(secret_headers=f"No value is kept for {name}. Give the value itself.")
        return kept
    return kept if kept and _opens_to(kept, text) else vault.seal(text)


def _opens_to(token: str, text: str) -> bool:
    try:
        return vault.unseal(token) == text
    except vault.CannotOpen:
        return False
