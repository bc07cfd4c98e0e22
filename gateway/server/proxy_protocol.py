"""The PROXY protocol, versions 1 and 2: what a proxy writes in front of a connection about the client behind it. Pure.

After https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LONGEST_V1 = 107  # bytes, the end of the line among them
LONGEST_V2 = 4096  # bytes behind its first sixteen: addresses, and what else a proxy has to say
LONGEST = 16 + LONGEST_V2

_V1 = re.compile(
    rb"PROXY (?:UNKNOWN(?: [ -~]*)?|(?P<family>TCP[46]) (?P<source>\S+) (?P<to>\S+) "
    rb"(?P<port>0|[1-9][0-9]{0,4}) (?P<to_port>0|[1-9][0-9]{0,4}))\r\n"
)
_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21


class BadHeader(ValueError):
    """What stands there is no header of the PROXY protocol."""


class ProxyHeader(NamedTuple):
    """How many bytes it has, and the client's address and port; None where the proxy speaks for itself."""

    length: int
    source: tuple[str, int] | None


def parse(data: bytes) -> ProxyHeader | None:
    """The header at the beginning of `data`, None while it is not all there. Raises BadHeader as soon as it is none."""
    if data.startswith(SIGNATURE[:12]) or SIGNATURE.startswith(data):
        return _parse_v2(data)
    if not (data.startswith(b"PROXY ") or b"PROXY ".startswith(data)):
        raise BadHeader("The connection does not begin with a header of the PROXY protocol.")
    line, end, _ = data[:LONGEST_V1].partition(b"\n")
    if not end:
        if len(data) >= LONGEST_V1:
            raise BadHeader("The line does not end.")
        return None
    return _parse_v1(line + end)


def _parse_v1(line: bytes) -> ProxyHeader:
    found = _V1.fullmatch(line)
    if found is None:
        raise BadHeader("The line cannot be read.")
    if found["family"] is None:
        return ProxyHeader(len(line), None)
    wanted = IPv4Address if found["family"] == b"TCP4" else IPv6Address
    try:
        source, to = (ip_address(found[name].decode("ascii")) for name in ("source", "to"))
    except ValueError as error:
        raise BadHeader("An address cannot be read.") from error
    ports = int(found["port"]), int(found["to_port"])
    if not isinstance(source, wanted) or not isinstance(to, wanted) or max(ports) > 0xFFFF or "%" in str(source):
        raise BadHeader("An address or port is not what it should be.")
    return ProxyHeader(len(line), (str(source), ports[0]))


def _parse_v2(data: bytes) -> ProxyHeader | None:
    if len(data) < 16:
        return None
    command, family, size = data[12], data[13], int.from_bytes(data[14:16], "big")
    if command not in (_LOCAL, _PROXY) or size > LONGEST_V2:
        raise BadHeader("The command is not known, or the header is too long.")
    width = {_TCP4: 4, _TCP6: 16}.get(family, 0)
    if command == _PROXY and size < 2 * width + 4 * bool(width):
        raise BadHeader("The header is too short for its addresses.")
    if len(data) < 16 + size:
        return None
    if command == _LOCAL or not width:  # a check of its own, or something else than TCP
        return ProxyHeader(16 + size, None)
    address = ip_address(data[16 : 16 + width])
    port = int.from_bytes(data[16 + 2 * width : 18 + 2 * width], "big")
    return ProxyHeader(16 + size, (str(address), port))
