"""Deny policies: what they name, how they are written, and whom they keep out. Pure.

| kind | value | keeps out |
|---|---|---|
| API | context and version, `/echowebsocket/1.0.0` | everybody who calls it |
| APPLICATION | owner and name, `carol:Chat client` | the application, whatever it calls |
| USER | a user name | what this person owns, and tokens that speak for this person |
| IP | an address | who connects from it |
| IPRANGE | `192.0.2.0/24` or `192.0.2.1-192.0.2.9` | who connects from between its ends |

Turned round (`invert`), IP and IPRANGE keep out everybody else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import accumulate
from operator import itemgetter

from core.values import BadValue
from publisher.ip_policy import IPAddress, unmapped


class DenyCondition(StrEnum):
    """What a deny policy looks at; WSO2's names of conditions."""

    API = "API"
    APPLICATION = "APPLICATION"
    IP = "IP"
    IPRANGE = "IPRANGE"
    USER = "USER"


ABOUT_ADDRESSES = frozenset({DenyCondition.IP, DenyCondition.IPRANGE})


@dataclass(frozen=True, slots=True)
class Span:
    """Addresses of one family, both ends included."""

    first: IPAddress
    last: IPAddress

    def __contains__(self, address: IPAddress) -> bool:
        return address.version == self.first.version and int(self.first) <= int(address) <= int(self.last)

    def __str__(self) -> str:
        """As a network where it is one, else from end to end."""
        if self.first == self.last:
            return str(self.first)
        bits = self.first.max_prefixlen - (int(self.first) ^ int(self.last)).bit_length()
        network = ip_network((self.first, bits), strict=False)
        is_one = (network[0], network[-1]) == (self.first, self.last)
        return str(network) if is_one else f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class ActiveDenyPolicy:
    """An active deny policy. `subject` is the id of what it names, empty for addresses."""

    kind: str
    value: str
    subject: str = ""
    invert: bool = False


class ActiveDenyPolicies(frozenset[ActiveDenyPolicy]):
    """All active deny policies. Equal when they deny the same; `version` is each one's own."""

    def __init__(self, deny_policies: Iterable[ActiveDenyPolicy] = ()) -> None:
        self.version = object()
        self._named = {(each.kind, each.subject): each for each in self if each.subject}
        spans = [(read_span(each.value), each) for each in self if each.kind in ABOUT_ADDRESSES]
        self._denied = {version: _Denied(spans, version) for version in (4, 6)} if spans else {}

    def of_place(self, api_id: str, address: str) -> ActiveDenyPolicy | None:
        """What keeps everybody out of this API, or everybody out who comes from this address."""
        named = self._named.get((DenyCondition.API, api_id))
        if named or not self._denied:
            return named
        try:
            asking = unmapped(ip_address(address))
        except ValueError:
            return None
        return self._denied[asking.version].by(int(asking))

    def of_caller(self, application_id: str, people: Collection[str]) -> ActiveDenyPolicy | None:
        """What keeps out this application, or one of the people behind it, by their ids."""
        named = self._named.get((DenyCondition.APPLICATION, application_id))
        return named or next(
            (self._named[key] for each in people if (key := (DenyCondition.USER, each)) in self._named), None
        )


class _Denied:
    """The addresses of one family that are kept out, found by bisection however many policies there are."""

    def __init__(self, spans: Iterable[tuple[Span, ActiveDenyPolicy]], version: int) -> None:
        self._inverted = [
            (int(span.first), int(span.last), each) if span.first.version == version else (1, 0, each)
            for span, each in spans
            if each.invert
        ]
        own = [(span, each) for span, each in spans if not each.invert and span.first.version == version]
        ranges = sorted(((int(span.first), int(span.last), each) for span, each in own), key=itemgetter(0, 1))
        self._firsts = [first for first, _, _ in ranges]
        # Of those that begin so early, the one that goes furthest: if any of them holds an address, it does.
        reaches = ((last, each) for _, last, each in ranges)
        self._furthest: list[tuple[int, ActiveDenyPolicy]] = list(accumulate(reaches, partial(max, key=itemgetter(0))))

    def by(self, address: int) -> ActiveDenyPolicy | None:
        """The policy that keeps this address out."""
        if at := bisect_right(self._firsts, address):
            last, each = self._furthest[at - 1]
            if address <= last:
                return each
        return next((each for first, last, each in self._inverted if not first <= address <= last), None)


def clean_address(text: str) -> str:
    """An IP address in its shortest form; raises BadValue."""
    typed = text.strip()
    if "/" in typed or "-" in typed:
        raise BadValue(f"{typed} is a range, not one address. Choose the condition IPRANGE for it.")
    return str(_address(typed))


def clean_ends(first: str, last: str) -> str:
    """A range from its ends in its shortest form; raises BadValue."""
    return str(_between(_address(first.strip()), _address(last.strip())))


def read_span(text: str) -> Span:
    """A range: a network (`192.0.2.0/24`), from end to end (`192.0.2.1-192.0.2.9`), one address. Raises BadValue."""
    typed = text.strip()
    first, dash, last = typed.partition("-")
    base, slash, _ = typed.partition("/")
    if dash and not slash:
        return _between(_address(first.strip()), _address(last.strip()))
    only = _address(base)
    if not slash:
        return Span(only, only)
    try:
        loosely = ip_network(typed, strict=False)
    except ValueError:
        raise BadValue(f"{typed} is no network: behind the slash stands how many bits are fixed, as in /24.") from None
    if str(loosely.network_address) != str(ip_address(base)):
        raise BadValue(f"{base} does not begin a network of that size.", str(loosely))
    return Span(unmapped(loosely[0]), unmapped(loosely[-1]))


def _between(first: IPAddress, last: IPAddress) -> Span:
    if first.version != last.version:
        raise BadValue("Both ends of a range are IPv4 addresses, or both are IPv6 addresses.")
    if int(first) > int(last):
        raise BadValue(f"The range ends before it begins: {last} comes before {first}.", f"{last}-{first}")
    return Span(first, last)


def _address(text: str) -> IPAddress:
    try:
        address = ip_address(text)
    except ValueError:
        said = f"{text} is no IP address." if text else "An IP address is missing."
        raise BadValue(f"{said} Write it as 192.0.2.7 or 2001:db8::7.") from None
    if isinstance(address, IPv6Address) and address.scope_id:
        raise BadValue(f"{text} holds a zone, which means nothing here. Write the address without % and what follows.")
    return unmapped(address)
