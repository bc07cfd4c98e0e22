"""Which network addresses a backend may have: the policy against server-side request forgery. Pure.

An address is public (allowed), of a kind that is allowed when it is listed (loopback, private, link-local, shared,
reserved), or never a backend's (multicast, unspecified). `BackendPolicy.refuse` is asked for every address that a name
resolves to, when an endpoint is saved and each time one is dialled. Kinds are IANA's special-purpose registries
(RFC 6890), written out here because Python's own idea of them changed between releases.
"""

from __future__ import annotations

import re
import socket
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressKind(StrEnum):
    """What an address is for. The value ends the sentence "… is"."""

    PUBLIC = "a public address"
    LOOPBACK = "this machine itself"
    PRIVATE = "in a private network"
    LINK_LOCAL = "a link-local address, where clouds keep their credentials"
    SHARED = "in a provider's shared network"
    RESERVED = "in a reserved range"
    MULTICAST = "a multicast address"
    UNSPECIFIED = "no address at all"


NEVER = frozenset({AddressKind.MULTICAST, AddressKind.UNSPECIFIED})
BY_NAME = frozenset(
    {AddressKind.LOOPBACK, AddressKind.PRIVATE, AddressKind.SHARED, AddressKind.RESERVED}
)  # what listing a host name opens

_KINDS: tuple[tuple[AddressKind, str], ...] = (
    (AddressKind.UNSPECIFIED, "0.0.0.0/8 ::/128"),
    (AddressKind.LOOPBACK, "127.0.0.0/8 ::1/128"),
    (AddressKind.PRIVATE, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10 64:ff9b:1::/48"),
    (AddressKind.LINK_LOCAL, "169.254.0.0/16 fe80::/10"),
    (AddressKind.SHARED, "100.64.0.0/10"),
    (AddressKind.MULTICAST, "224.0.0.0/4 ff00::/8"),
    (
        AddressKind.RESERVED,
        "192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 "
        "2001::/23 2001:db8::/32 3fff::/20",
    ),
)
_NETWORKS: tuple[tuple[Network, AddressKind], ...] = tuple(
    (ip_network(network), kind) for kind, networks in _KINDS for network in networks.split()
)
_UNICAST = IPv6Network("2000::/3")  # all that IANA gives out; the rest of IPv6 is nobody's
_MAPPED, _COMPATIBLE = IPv6Network("::ffff:0:0/96"), IPv6Network("::/96")
_TRANSLATED, _NAT64 = IPv6Network("::ffff:0:0:0/96"), IPv6Network("64:ff9b::/96")
_6TO4, _TEREDO = IPv6Network("2002::/16"), IPv6Network("2001::/32")
_NUMBER = r"(?:0[xX][0-9a-fA-F]*|[0-9]+)"
_DOTTED = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}){{0,3}}")
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


class BadNetwork(ValueError):
    """An entry of the allow-list is neither a network, an address nor a host name. `str(error)` is the sentence."""


def literal(host: str) -> IPAddress | None:
    """The address that a URL's host spells, in any form that a resolver takes for one; None for a name.

    Besides the plain forms these are the C library's (`127.1`, `0x7f.1`, `2130706433`, `0177.0.0.1`), a trailing dot,
    digits of other scripts, and IPv6 with a zone.
    """
    plain = tidy(host)
    try:
        return ip_address(plain.strip("[]").partition("%")[0])
    except ValueError:
        pass
    if not _DOTTED.fullmatch(plain):
        return None
    try:
        return IPv4Address(socket.inet_aton(plain))
    except OSError:
        return None


def unmapped(address: IPAddress) -> IPAddress:
    """The IPv4 address also where it comes inside an IPv6 one (RFC 4291 §2.5.5.2), as it is on the wire."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def tidy(host: str) -> str:
    """A host in the form in which two that mean the same are equal: lower case, plain digits and dots, no last dot."""
    plain = unicodedata.normalize("NFKC", host).replace("\u3002", ".").strip().lower()
    return plain.removesuffix(".")


def kind_of(address: IPAddress) -> AddressKind:
    """What an address is for; of one that holds another (IPv4 in IPv6, tunnels) the worse of what it reaches."""
    reached = _inside(address)
    inner = [kind for each in reached if (kind := kind_of(each)) is not AddressKind.PUBLIC]
    if inner:
        return inner[0]
    is_tunnel = isinstance(address, IPv6Address) and (address in _TEREDO or address in _6TO4)
    for network, kind in _NETWORKS:
        if address.version == network.version and address in network and not is_tunnel:
            return kind
    if isinstance(address, IPv6Address) and address not in _UNICAST and not reached:
        return AddressKind.RESERVED
    return AddressKind.PUBLIC


def _inside(address: IPAddress) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to."""
    if not isinstance(address, IPv6Address) or int(address) <= 1:
        return []
    if any(address in network for network in (_MAPPED, _COMPATIBLE, _TRANSLATED, _NAT64)):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    if address in _6TO4:
        return [IPv4Address(int(address) >> 80 & 0xFFFFFFFF)]
    if address in _TEREDO:  # RFC 4380 §4: the server, and the client with its bits turned over
        return [IPv4Address(int(address) >> 64 & 0xFFFFFFFF), IPv4Address(~int(address) & 0xFFFFFFFF)]
    return []


@dataclass(frozen=True, slots=True)
class BackendPolicy:
    """Who may be dialled: everything public, and what is listed.

    `networks` and `hosts` are the allow-list. `own_ports` are those on which this product itself listens; on this
    machine they are refused always, because a gateway in front of itself turns one handshake into endlessly many.
    `loopback_ports` are open on loopback whatever is listed, for the samples.
    `own_hosts` are names and addresses of this machine besides loopback; `is_mine` is asked about any other address.
    """

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    own_ports: frozenset[int] = frozenset()
    own_hosts: frozenset[str] = frozenset()
    loopback_ports: frozenset[int] = frozenset()
    is_mine: Callable[[str], bool] = lambda address: False

    def refuse(self, host: str, address: str, port: int) -> str:
        """Why `address`, which `host` resolved to, may not be dialled; empty when it may.

        `host` is the URL's, `address` as the resolver wrote it.
        """
        found = unmapped(ip_address(address.partition("%")[0]))
        kind = kind_of(found)
        plain, spelled = tidy(host), str(found)
        both = spelled if plain.strip("[]") == spelled else f"{host} ({spelled})"
        if kind in NEVER:
            return f"{both} is {kind}. Give the address of a backend."
        is_own = plain in self.own_hosts or spelled in self.own_hosts
        if port in self.own_ports and (kind is AddressKind.LOOPBACK or is_own or self.is_mine(spelled)):
            return f"Port {port} on this machine is the gateway's own. Give the address of the backend behind it."
        by_name = kind in BY_NAME and plain in self.hosts
        listed = any(found.version == network.version and found in network for network in self.networks)
        is_sample = kind is AddressKind.LOOPBACK and port in self.loopback_ports
        if kind is AddressKind.PUBLIC or by_name or listed or is_sample:
            return ""
        return (
            f"{both} is {kind}, where no backend may be unless the server allows it: "
            f"whoever runs it adds {found} to APIM_BACKEND_NETWORKS."
        )

    def refuse_literal(self, host: str, port: int) -> str:
        """As `refuse`, for a host that spells an address; empty for a name, which has to be resolved first."""
        address = literal(host)
        return "" if address is None else self.refuse(host, str(address), port)


def read_policy(
    allowed: Iterable[str],
    *,
    own_ports: Iterable[int] = (),
    own_hosts: Iterable[str] = (),
    loopback_ports: Iterable[int] = (),
) -> BackendPolicy:
    """The policy with this allow-list of networks, addresses and host names. Raises BadNetwork."""
    networks, hosts = list[Network](), set[str]()
    for entry in filter(None, (tidy(each) for each in allowed)):
        try:
            networks.append(ip_network(entry.strip("[]")))
        except ValueError:
            if "/" in entry:
                sentence = f"{entry!r} is no network: write it with its first address, as in 10.0.0.0/8"
                raise BadNetwork(sentence) from None
            if not _HOST.fullmatch(entry) or _DOTTED.fullmatch(entry):
                sentence = f"{entry!r} is neither a network such as 10.0.0.0/8, nor an address, nor the name of a host"
                raise BadNetwork(sentence) from None
            hosts.add(entry)
    return BackendPolicy(
        networks=tuple(networks),
        hosts=frozenset(hosts),
        own_ports=frozenset(own_ports),
        own_hosts=frozenset(tidy(each) for each in own_hosts),
        loopback_ports=frozenset(loopback_ports),
    )
