"""The installation's own HTTP proxy on the way to backends: for whom, what it is asked (RFC 9110 §9.3.6). Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from core.values import BadValue

LONGEST_ANSWER = 16 * 1024  # bytes
USUAL_EXCEPTIONS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class OutwardProxy:
    """Where it listens, what it is shown, and the hosts that are dialled without it."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)
    direct: frozenset[str] = frozenset()

    def is_for(self, host: str) -> bool:
        """Whether this host is reached through the proxy: neither it nor a domain that it is in is an exception."""
        name = host.lower().rstrip(".")
        labels = name.split(".")
        return not self.direct & {name, *(".".join(labels[start:]) for start in range(len(labels)))}

    def request(self, host: str, port: int) -> bytes:
        """What the proxy is asked for a tunnel to this host."""
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        shown = f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""
        return f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{shown}\r\n".encode("ascii")


class NoTunnel(OSError):
    """The proxy did not open a tunnel; `str(error)` says why."""


def is_open(answer: bytes) -> bool:
    """Whether this is all of the answer, and it is yes; False while there is more to come. Raises NoTunnel."""
    head, end, rest = answer.partition(b"\r\n\r\n")
    if not end and len(answer) < LONGEST_ANSWER:
        return False
    status = re.match(rb"HTTP/1\.[01] ([0-9]{3})", head)
    if not end or not status or rest:
        raise NoTunnel("The proxy on the way to the backend gave no answer that can be read.")
    if not status[1].startswith(b"2"):
        raise NoTunnel(f"The proxy on the way to the backend answered {status[1].decode()}.")
    return True


def read_proxy(url: str, exceptions: Iterable[str]) -> OutwardProxy | None:
    """The proxy at http://user:password@host:port; None where there is none. Raises BadValue."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or 3128
    except ValueError:
        raise BadValue("its port is none") from None
    if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise BadValue("write it as http://host:port, or http://user:password@host:port")
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
    shown = f"Basic {base64.b64encode(pair).decode()}" if parts.username else ""
    return OutwardProxy(parts.hostname, port, shown, frozenset(name.lower().strip(".") for name in exceptions))
