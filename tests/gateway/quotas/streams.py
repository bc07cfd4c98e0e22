"""Streams of WebSocket frames, made and read without the gateway's scanner."""

from __future__ import annotations

from typing import NamedTuple

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


def frame(opcode: int, size: int = 0, *, masked: bool = True, final: bool = True, fill: int = 0) -> bytes:
    """A frame full of one byte, masked with zeros, which change nothing."""
    head = bytes([(0x80 if final else 0) | opcode])
    mark = 0x80 if masked else 0
    if size < 126:
        head += bytes([mark | size])
    elif size < 65536:
        head += bytes([mark | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mark | 127]) + size.to_bytes(8, "big")
    return head + bytes(4 if masked else 0) + bytes([fill]) * size


def messages(count: int, size: int = 3, *, masked: bool = True) -> bytes:
    return frame(BINARY, size, masked=masked) * count


class Frame(NamedTuple):
    """One frame as an onlooker reads it off the wire; `size` is what its header says, `payload` what came of it."""

    opcode: int
    final: bool
    size: int
    payload: bytes


def read(stream: bytes | bytearray) -> list[Frame]:
    """The frames of a stream, read without the scanner."""
    frames, at = [], 0
    while at + 14 <= len(stream) or at + _head(stream, at) <= len(stream):
        first, second = stream[at], stream[at + 1]
        size, head = second & 127, 2
        if size > 125:
            head = 4 if size == 126 else 10
            size = int.from_bytes(stream[at + 2 : at + head], "big")
        head += 4 if second & 128 else 0
        frames.append(Frame(first & 15, first > 127, size, bytes(stream[at + head : at + head + size])))
        at += head + size
    return frames


def _head(stream: bytes | bytearray, at: int) -> int:
    """How long the header at `at` is, but for its mask; longer than what is there when that cannot be told yet."""
    return {126: 4, 127: 10}.get(stream[at + 1] & 127, 2) if at + 2 <= len(stream) else 2


def admitted(stream: bytes | bytearray) -> tuple[int, int]:
    """Messages that began and bytes of their payloads."""
    data = [each for each in read(stream) if each.opcode < 8]
    return sum(each.opcode != CONTINUATION for each in data), sum(each.size for each in data)
