"""The PROXY protocol's header: read whole or not at all, never a byte behind it."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.server.proxy_protocol import LONGEST, LONGEST_V1, LONGEST_V2, SIGNATURE, BadHeader, ProxyHeader, parse

V1 = b"PROXY TCP4 192.0.2.7 10.0.0.1 50000 8099\r\n"


def v1(source: str, to: str, port: int, to_port: int = 8099) -> bytes:
    """A line as HAProxy writes it."""
    return f"PROXY TCP{6 if ':' in source else 4} {source} {to} {port} {to_port}\r\n".encode()


def v2(source: IPv4Address | IPv6Address | None, port: int = 0, more: bytes = b"", command: int = 0x21) -> bytes:
    """The binary form, with `more` behind the addresses."""
    packed = source.packed + bytes(len(source.packed)) + struct.pack("!HH", port, 8099) if source else b""
    family = {0: 0x00, 4: 0x11, 16: 0x21}[len(source.packed) if source else 0]
    return SIGNATURE + struct.pack("!BBH", command, family, len(packed + more)) + packed + more


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
PORTS = st.integers(0, 0xFFFF)


@settings(deadline=None)
@given(ADDRESSES, PORTS, st.binary(max_size=50), st.binary(max_size=30))
def test_what_a_proxy_writes_is_read_back_and_nothing_behind_it(
    source: IPv4Address | IPv6Address, port: int, extensions: bytes, behind: bytes
) -> None:
    for header in (v1(str(source), str(source), port), v2(source, port, extensions)):
        assert parse(header + behind) == ProxyHeader(len(header), (str(source), port))


@settings(deadline=None)
@given(ADDRESSES, PORTS, st.binary(max_size=50))
def test_a_header_that_is_not_all_there_is_waited_for(
    source: IPv4Address | IPv6Address, port: int, extensions: bytes
) -> None:
    for header in (v1(str(source), str(source), port), v2(source, port, extensions)):
        assert [parse(header[:length]) for length in range(len(header))] == [None] * len(header)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
        v2(None),
        v2(None, command=0x20),
        v2(IPv4Address(1), command=0x20),
    ],
)
def test_a_proxy_may_speak_for_itself(header: bytes) -> None:
    assert parse(header + b"GET") == ProxyHeader(len(header), None)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01",
        b"proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n",
        b"PROXY  TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 01 2\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n",
        b"PROXY TCP4 192.0.2.300 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP4 \xd9\xa1.2.3.4 10.0.0.1 1 2\r\n",
        b"PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY UNKNOWN" + b"x" * LONGEST_V1,
        SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x22\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x11\x00\x0b" + bytes(11),
        SIGNATURE + b"\x21\x21\x00\x23" + bytes(35),
        SIGNATURE + b"\x21\x11" + struct.pack("!H", LONGEST_V2 + 1),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadHeader):
        parse(data)


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=150),
        st.binary(max_size=40).map(lambda tail: SIGNATURE + tail),
        st.binary(max_size=120).map(lambda tail: b"PROXY " + tail),
    )
)
def test_whatever_stands_there_is_read_waited_for_within_bounds_or_refused(data: bytes) -> None:
    try:
        found = parse(data)
    except BadHeader:
        return
    if found is None:
        assert len(data) < LONGEST
    else:
        assert 0 < found.length <= len(data)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"PROXY",
                b"TCP4",
                b"TCP6",
                b"192.0.2.7",
                b"::1",
                b"0",
                b"80",
                b"65535",
                b"99999",
                b" ",
                b"  ",
                b"\r\n",
                b"\n",
                b"UNKNOWN",
            ]
        ),
        max_size=14,
    )
)
def test_a_reading_word_by_word_comes_to_the_same(words: list[bytes]) -> None:
    data = b"".join(words)
    try:
        ours = parse(data)
    except BadHeader:
        ours = None
    assert (ours.source if ours else None) == _slowly(data)


def _slowly(data: bytes) -> tuple[str, int] | None:
    """The specification's §2.1, word by word."""
    line, end, _ = data.partition(b"\r\n")
    words = line.split(b" ")
    if not end or b"\n" in line or len(words) != 6 or words[0] != b"PROXY":
        return None
    kind = {b"TCP4": IPv4Address, b"TCP6": IPv6Address}.get(words[1])
    try:
        if kind is None:
            return None
        source, _ = kind(words[2].decode()), kind(words[3].decode())
    except ValueError:
        return None
    ports = [
        int(word) for word in words[4:] if word.isdigit() and str(int(word)).encode() == word and int(word) < 65536
    ]
    return (str(source), ports[0]) if len(ports) == 2 else None
