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
    there: dict[str, str] = {name.lower(): value for name, value in stored.get(KEY, {}).items()}
    secrets: dict[str, str] = {}
    for name, text in options.get(KEY, {}).items():
        kept = there.get(name.lower())
        if text == HIDDEN and kept is None:
            raise invalid(secret_headers=f"No value is kept for {name}. Give the value itself.")
        try:
            is_same = kept is not None and (text == HIDDEN or vault.unseal(kept) == text)
        except vault.CannotOpen:
            is_same = False
        secrets[name] = kept if kept is not None and is_same else vault.seal(text)
    return {**options, KEY: secrets}
