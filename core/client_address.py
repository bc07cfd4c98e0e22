"""Where a request comes from, also behind proxies: who may say so, how it is written, how it is counted. Pure.

Only the proxies that an operator names are believed, and only in the one header that they write: a client can send any
header, and a proxy that appends to one passes the other on as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from core.values import BadValue

PROXY_HEADERS = X_FORWARDED_FOR, FORWARDED = "x-forwarded-for", "forwarded"
X_FORWARDED_PROTO = "x-forwarded-proto"
SCHEMES: dict[str, Literal["https", "http"]] = {
    "https": "https",
    "wss": "https",
    "http": "http",
    "ws": "http",
}  # as proxies write them
MOST_HOPS = 16
MOST_TEXT = 4096  # characters, the last of all
PREFIX = 64  # bits of an IPv6 address that belong to one customer

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t -~])*"'
_PAIR = re.compile(rf"[ \t]*({_WORD})=({_WORD}|{_QUOTED})[ \t]*(?:;|$)")  # RFC 7239 §4
_PORT = re.compile(r":[0-9]{1,5}")


class TrustedProxies:
    """The networks of proxies that may say for whom they ask, in `header`. Without any nobody may.

    Raises BadValue for a network that is none.
    """

    def __init__(self, networks: Iterable[str] = (), *, header: str = X_FORWARDED_FOR) -> None:
        self.header = header
        self.scheme_header = FORWARDED if header == FORWARDED else X_FORWARDED_PROTO  # says how a client came to them
        self._networks: list[IPv4Network | IPv6Network] = []
        for text in filter(None, (each.strip() for each in networks)):
            try:
                self._networks.append(ip_network(text))
            except ValueError:
                raise BadValue(f"{text} is neither an address nor a network such as 10.0.0.0/8.") from None

        @lru_cache(maxsize=4096)
        def knows(address: str) -> bool:
            found = parse(address)
            return found is not None and any(found in network for network in self._networks)

        self._knows = knows

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        return bool(self._networks) and self._knows(address)

    def client_of(self, peer: str, values: Iterable[str]) -> str:
        """The address of whoever asks, for a request that came from `peer` with these values of the header.

        It is the nearest hop that is no proxy of ours: what stands before it was written by somebody who may lie. Where
        a proxy wrote no address, its own is all that is known.
        """
        return self._read(peer, values)[0]

    def scheme_of(self, peer: str, values: Iterable[str]) -> Literal["https", "http", ""]:
        """The scheme, `https` or `http`, by which that client came to the proxies; empty where none of them says so.

        `values` are those of `scheme_header`. In X-Forwarded-Proto the last word counts, the only one that is surely
        the proxy's own.
        """
        if self.header == FORWARDED:
            said = self._read(peer, values)[1]
        else:
            said = ",".join(values).rpartition(",")[2] if peer in self else ""
        return SCHEMES.get(said.strip().lower(), "")

    def _read(self, peer: str, values: Iterable[str]) -> tuple[str, str]:
        """The client's address, and the scheme if the header has one."""
        known, scheme = peer, ""
        if peer not in self:
            return known, scheme
        if self.header == FORWARDED:
            hops = _forwarded(values)
        else:
            nearest_first = reversed(",".join(values).rsplit(",", MOST_HOPS)[-MOST_HOPS:])
            hops = ((_node(hop.strip()), "") for hop in nearest_first)
        for hop, said in hops:
            scheme = said
            if not hop:
                break
            known = hop
            if hop not in self:
                break
        return known, scheme


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """An address without its zone, IPv4 also where it comes inside an IPv6 one; None if it is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


@lru_cache(maxsize=4096)
def counted(address: str) -> str:
    """The address under which attempts are counted: of IPv6 the network, since each customer has 2^64 addresses."""
    found = parse(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, PREFIX), strict=False).network_address)
    return address if found is None else str(found)


def _forwarded(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The hops of RFC 7239, the nearest first, each with its scheme; empty where one cannot be read.

    Read from the end: a quote that somebody left open before does not swallow what follows.
    """
    rest = ",".join(values)[-MOST_TEXT:]
    for _ in range(MOST_HOPS):
        element, before, comma = rest, "", len(rest)
        for _ in range(MOST_HOPS):
            comma = rest.rfind(",", 0, comma)
            if comma < 0:
                break
            if next(_pairs(rest[comma + 1 :]), None):
                element, before = rest[comma + 1 :], rest[:comma]
                break
        else:
            comma = -1
        pairs = {
            name: re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
            for name, value in _pairs(element)
        }
        yield _node(pairs.get("for", "")), pairs.get("proto", "")
        if comma < 0:
            return
        rest = before


def _pairs(element: str) -> Iterator[tuple[str, str]]:
    """Names and values, if all of the element can be read; else nothing."""
    place, found = 0, []
    while place < len(element):
        pair = _PAIR.match(element, place)
        if pair is None:
            return
        found.append((pair[1].lower(), pair[2]))
        place = pair.end()
    yield from found


def _node(text: str) -> str:
    """The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`; empty for anything else."""
    if text.startswith("["):
        inside, bracket, port = text[1:].partition("]")
        text = inside if bracket and (not port or _PORT.fullmatch(port)) else ""
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
        text = host if _PORT.fullmatch(colon + port) else ""
    found = None if "%" in text else parse(text)
    return "" if found is None else str(found)
