"""Endpoint options that hold a secret: sealed where they are stored, hidden where they are shown.

An options document (`publisher.endpoint`) carries them as texts, or as texts by name; only the text is secret. In the
database it is sealed; a revision takes it over as it is, so that design and revision can be compared without the key.
What a person reads has `HIDDEN` in its place, and `HIDDEN` sent back keeps what is stored.

A secret belongs to the hosts that it was entered for. Who may edit a design may not read it, and so may not have it
sent to a host of their own either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from core import vault
from core.values import invalid
from publisher.endpoint import HIDDEN, check_pair
from publisher.merging import SECRETS

HEADERS, KEY, CERTIFICATE = "secret_headers", "secret_key", "client_certificate"


def hidden(options: Mapping[str, Any]) -> dict[str, Any]:
    """A stored document as people may see it."""
    return replaced(options, lambda field, name, text: HIDDEN)


def opened(options: Mapping[str, Any]) -> dict[str, Any]:
    """A stored document as a backend is dialled by it: secret headers are headers. Raises core.vault.CannotOpen."""
    document = replaced(options, lambda field, name, text: vault.unseal(text))
    return {**document, "headers": {**options.get("headers", {}), **document.get(HEADERS, {})}, HEADERS: {}}


def sealed(options: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """A clean document as it is to be stored in place of `stored`. What did not change stays as it is, to the letter.

    Raises Invalid where a value is to be kept and there is none, and where certificate and key are no pair.
    """
    there = {(field, name.lower()): text for field, name, text in secrets_of(stored)}

    def seal(field: str, name: str, text: str) -> str:
        kept = there.get((field, name.lower()))
        if text == HIDDEN and kept is None:
            raise invalid(**{field: f"No value is kept{f' for {name}' if name else ''}. Give the value itself."})
        try:
            is_same = kept is not None and (text == HIDDEN or vault.unseal(kept) == text)
        except vault.CannotOpen:
            is_same = False
        return kept if kept is not None and is_same else vault.seal(text)

    document = replaced(options, seal)
    if any(document.get(name) != stored.get(name, "") for name in (KEY, CERTIFICATE)):
        try:
            key = vault.unseal(document[KEY]) if document[KEY] else ""
        except vault.CannotOpen:
            raise invalid(**{KEY: "The private key that is kept cannot be opened. Give it again."}) from None
        check_pair(document[CERTIFICATE], key)
    return document


def typed(options: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The secrets that a person has sent, by field and name in small letters: those that are not just to be kept."""
    return {(field, name.lower()) for field, name, text in secrets_of(options) if text != HIDDEN}


def refuse_elsewhere(before: Mapping[str, Any], after: Mapping[str, Any], entered: set[tuple[str, str]]) -> None:
    """Raise Invalid where a secret that was not entered now would be used with another host.

    `before` is the design as it is in the store at this moment, `after` as it is to be. A host is one with its port:
    behind another port is another program.
    """
    stored = {(field, name.lower()): text for field, name, text in secrets_of(before["endpoint_options"])}
    for field, name, text in secrets_of(after["endpoint_options"]):
        if (field, name.lower()) in entered:
            continue
        what = f"the value of {name}" if name else "the secret"
        # Somebody may have entered another value meanwhile, for another host.
        if stored.get((field, name.lower())) != text:
            raise invalid(**{field: f"{what.capitalize()} has changed meanwhile. Give it again."})
        known = set(_hosts(field, before))
        if elsewhere := next((host for host in _hosts(field, after) if host not in known), ""):
            sentence = f"{elsewhere} is another host than the one for which {what} was entered."
            raise invalid(**{field: f"{sentence} Give {what} again, or leave it out."})


def secrets_of(options: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each secret of a document: the field, its name within it or nothing, and the text that stands there."""
    for field in SECRETS:
        value = options.get(field) or {}
        pairs = value.items() if isinstance(value, Mapping) else [("", value)]
        yield from ((field, name, text) for name, text in pairs)


def replaced(options: Mapping[str, Any], by: Callable[[str, str, str], str]) -> dict[str, Any]:
    """The document with each secret replaced by what `by(field, name, text)` makes of it."""
    document = dict(options)
    for field, name, text in secrets_of(options):
        new = by(field, name, text)
        document[field] = {**document[field], name: new} if name else new
    return document


def _hosts(field: str, parts: Mapping[str, Any]) -> Iterator[str]:
    """Who gets a secret of this field: the backends, or whoever gives out tokens."""
    endpoints = (parts["production"], parts["sandbox"])
    urls = [url for each in endpoints for url in (each.get("url"), *each.get("failover", ()))]
    if field == "token_secret":
        urls = [parts["endpoint_options"].get("token_url")]
    for url in filter(None, urls):
        place = urlsplit(url)
        host = f"[{place.hostname}]" if ":" in (place.hostname or "") else place.hostname
        yield f"{host}:{place.port or (443 if place.scheme in ('wss', 'https') else 80)}"
