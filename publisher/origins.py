"""From which web pages an API may be called: what a person may write, and whether an origin is among it. Pure.

An origin is a scheme, a host and a port (RFC 6454 §4), written as browsers write it: in lower case, without the
scheme's own port, without a path. `https://*.example.com` stands for every host below `example.com`, not for
`example.com` itself.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from core.values import BadValue

MAXIMUM_ORIGINS, ORIGIN_LENGTH = 50, 255
WILDCARD = "*."
_OWN_PORTS = {"http": 80, "https": 443}
_PAGES_OF = {"ws": "http", "wss": "https", "": "https"}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")


class Origin(NamedTuple):
    """What is compared. `port` is None where the scheme's own is meant, or where the scheme has none."""

    scheme: str
    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins that may call an API: all while `listed` is empty. `console` may with the console in any case.

    It is known by a pass that the portal has made with `console_key` for the token that it shows.
    """

    listed: tuple[str, ...] = ()
    console: tuple[str, ...] = ()
    console_key: str = field(default="", repr=False)
    _exact: frozenset[Origin] = field(init=False, repr=False, compare=False)
    _below: tuple[Origin, ...] = field(init=False, repr=False, compare=False)
    _console: frozenset[Origin] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = [_origin(urlsplit(each)) for each in self.listed]
        object.__setattr__(self, "_console", frozenset(_origin(urlsplit(each)) for each in self.console))
        object.__setattr__(self, "_exact", frozenset(each for each in known if not each.host.startswith(WILDCARD)))
        object.__setattr__(self, "_below", tuple(each for each in known if each.host.startswith(WILDCARD)))

    def is_console(self, token: str, shown: str) -> bool:
        """Whether who shows this pass with this token was given both by the portal's console."""
        return bool(self.console_key and token) and hmac.compare_digest(console_pass(self.console_key, token), shown)

    def allow(self, origin: str | None, *, is_from_console: bool = False) -> bool:
        """Whether a handshake with this Origin header may go on; None is a client that is no browser."""
        if origin is None or not self.listed:
            return True
        try:
            parts = urlsplit(origin)
            asking = _origin(parts)
        except ValueError:
            return False
        if parts.path or parts.query or parts.fragment:
            return False
        if is_from_console and asking in self._console:
            return True
        if asking in self._exact:
            return True
        for parent in self._below:
            suffix = parent.host[1:]
            is_alike = asking.scheme == parent.scheme and asking.port == parent.port
            if is_alike and asking.host.endswith(suffix) and len(asking.host) > len(suffix):
                return True
        return False


def console_pass(key: str, token: str) -> str:
    """What the portal's console shows beside a token, and no page can that was not given it: 32 hexadecimal digits."""
    return hmac.new(key.encode(), f"console:{token}".encode(), hashlib.sha256).hexdigest()[:32]


def clean_origins(texts: Iterable[str]) -> list[str]:
    """The origins as browsers write them, in their order, each once; raises BadValue."""
    given = [text.strip() for text in texts if text.strip()]
    cleaned: dict[str, None] = {}
    for text in given:
        try:
            cleaned[clean_origin(text)] = None
        except BadValue as error:
            if len(given) == 1:
                raise
            # Which one it is, and no suggestion, for that would take the place of all.
            raise BadValue(f"{text}: {error}") from None
    if len(cleaned) > MAXIMUM_ORIGINS:
        raise BadValue(f"At most {MAXIMUM_ORIGINS} origins can be listed; these are {len(cleaned)}.")
    return list(cleaned)


def clean_origin(text: str) -> str:
    """One origin as browsers write it; raises BadValue."""
    typed = text.strip()
    if typed == "*":
        raise BadValue("* is no origin. To let every page call, leave the list empty.")
    if typed.lower() == "null":
        raise BadValue("null is what every sandboxed page and local file sends, so it names nobody. Leave it out.")
    try:
        parts = urlsplit(typed if "://" in typed else f"//{typed}")
        parts.port  # noqa: B018  raises ValueError
    except ValueError:
        sentence = f"The host or port of {typed} cannot be read. Write it as https://host or https://host:port."
        raise BadValue(sentence) from None
    _check_parts(typed, parts)
    origin = _origin(parts)
    _check_host(typed, origin.host)
    return _written(origin)


def _check_parts(typed: str, parts: SplitResult) -> None:
    if not parts.hostname:
        raise BadValue(f"{typed} names no host. Write an origin as https://host or https://host:port.")
    if parts.scheme in _PAGES_OF:
        raise BadValue("An origin begins with the scheme of the page, https:// or http://.", _alike(parts))
    if parts.username is not None or parts.password is not None:
        raise BadValue("An origin has no user name or password.", _alike(parts))
    if parts.path or parts.query or parts.fragment or typed.endswith(("?", "#")):
        raise BadValue("An origin ends with the host or port: no path, no slash behind it.", _alike(parts))
    if parts.port == 0:
        raise BadValue("No page comes from port 0. Use a port from 1 to 65535, or none.")
    if len(typed) > ORIGIN_LENGTH:
        raise BadValue(f"An origin has at most {ORIGIN_LENGTH} characters; this one has {len(typed)}.")


def _check_host(typed: str, host: str) -> None:
    if not host.isascii():
        raise BadValue("A browser sends this host in its ASCII form. Write it that way.", _in_ascii(typed))
    name = host.removeprefix(WILDCARD)
    if "*" in name:
        raise BadValue(f"In {typed} a * can stand for the first part of the host only: https://*.example.com.")
    is_wildcard, wide = name != host, f"*.{name} would let pages of everybody call."
    try:
        ip_address(name)
    except ValueError:
        if not all(_LABEL.fullmatch(label) for label in name.split(".")):
            raise BadValue(f"{name} is no host name. Use letters, digits, hyphens and dots.") from None
        if is_wildcard and "." not in name:
            raise BadValue(f"{wide} Name your own domain: https://*.example.{name}.") from None
        return
    if is_wildcard:
        raise BadValue(f"Nothing lies below an address such as {name}. Write the whole origin without *.")


def _origin(parts: SplitResult) -> Origin:
    """Raises ValueError for a port that is none."""
    port = parts.port
    return Origin(parts.scheme, parts.hostname or "", None if port == _OWN_PORTS.get(parts.scheme) else port)


def _written(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return f"{origin.scheme}://{host}" + (f":{origin.port}" if origin.port is not None else "")


def _alike(parts: SplitResult) -> str:
    """The origin that was perhaps meant, if that would be taken."""
    meant = _written(_origin(parts)._replace(scheme=_PAGES_OF.get(parts.scheme, parts.scheme)))
    try:
        return clean_origin(meant)
    except BadValue:
        return ""


def _in_ascii(typed: str) -> str:
    try:
        scheme, divided, rest = typed.rpartition("://")
        host, colon, port = rest.partition(":")
        wildcard = WILDCARD if host.startswith(WILDCARD) else ""
        ascii_host = host.removeprefix(WILDCARD).encode("idna").decode("ascii")
        return clean_origin(f"{scheme}{divided}{wildcard}{ascii_host}{colon}{port}")
    except (UnicodeError, BadValue):
        return ""
