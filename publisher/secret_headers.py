"""Headers for backends that hold a secret: sealed where they are stored, hidden where they are shown.

An options document (`publisher.endpoint`) carries them as `secret_headers`, name by name. In the database the values
are sealed; a revision takes them over as they are, so that design and revision can be compared without the key. What a
person reads has `HIDDEN` in their place, and `HIDDEN` sent back keeps what is stored.

A secret belongs to the hosts that it was entered for. Who may edit a design may not read it, and so may not have it
sent to a host of their own either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

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


def typed(options: Mapping[str, Any]) -> set[str]:
    """The secret headers whose values a person has sent, in small letters: those that are not just to be kept."""
    return {name.lower() for name, text in options.get(KEY, {}).items() if text != HIDDEN}


def refuse_elsewhere(before: Mapping[str, Any], after: Mapping[str, Any], entered: set[str]) -> None:
    """Raise Invalid (field `secret_headers`) where a value that was not entered now would be sent to another host.

    `before` is the design as it is in the store at this moment, `after` as it is to be. A host is one with its port:
    behind another port is another program.
    """
    known = set(_hosts(before))
    stored = {name.lower(): value for name, value in before["endpoint_options"].get(KEY, {}).items()}
    kept = [name for name in after["endpoint_options"].get(KEY, {}) if name.lower() not in entered]
    for name in kept:
        # Somebody may have entered another value meanwhile, for another host.
        if stored.get(name.lower()) != after["endpoint_options"][KEY][name]:
            raise invalid(secret_headers=f"The value of {name} has changed meanwhile. Give it again.")
    if kept and (elsewhere := next((host for host in _hosts(after) if host not in known), "")):
        raise invalid(
            secret_headers=f"{elsewhere} is another host than the one for which the value of {kept[0]} was entered. "
            f"Give the value of {', '.join(kept)} again, or leave the header out."
        )


def _hosts(parts: Mapping[str, Any]) -> Iterator[str]:
    for endpoint in (parts["production"], parts["sandbox"]):
        for url in filter(None, (endpoint.get("url"), *endpoint.get("failover", ()))):
            place = urlsplit(url)
            host = f"[{place.hostname}]" if ":" in (place.hostname or "") else place.hostname
            yield f"{host}:{place.port or (443 if place.scheme == 'wss' else 80)}"
