"""Addresses as they go over the wire: ASCII, whatever script a person wrote them in (RFC 3987 §3.1). Pure."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import idna

_AS_IT_IS = "".join(map(chr, range(0x21, 0x7F)))  # also %: what is encoded already stays so


def percent_encoded(text: str | bytes) -> str:
    """Path or query with everything but visible ASCII in percent-encoded UTF-8; bytes are encoded as they are."""
    return text if isinstance(text, str) and text.isascii() and text.isprintable() else quote(text, safe=_AS_IT_IS)


def ascii_host(host: str) -> str:
    """A host as name servers know it (IDNA 2008, with the mapping that browsers use). Raises ValueError."""
    if host.isascii():
        return host
    # UnicodeError is a ValueError; idna's own is one of those.
    return idna.encode(host, uts46=True, transitional=False).decode()


def is_host(host: str) -> bool:
    """Whether this can be looked up: an IP address, or labels of 1 to 63 bytes in ASCII (RFC 1035 §2.3.4)."""
    if ":" in host:
        return True
    try:
        labels = ascii_host(host).removesuffix(".").split(".")
    except ValueError:
        return False
    return all(0 < len(label) < 64 for label in labels) and len(".".join(labels)) <= 253


def ascii_url(url: str) -> str:
    """The address as it is dialled; one that is ASCII already is returned unchanged. Raises ValueError."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    place = parts.netloc if host.isascii() else ascii_host(host) + (f":{port}" if port is not None else "")
    rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return f"{parts.scheme}://{place}{percent_encoded(rest)}"
