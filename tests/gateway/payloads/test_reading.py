"""Messages are read out of frames however they are cut, and never more of them than a few."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from itertools import pairwise

import pytest

from core.text import byte_size
from gateway.payloads.reading import NEXT, ObservingReader, PayloadEvent, PayloadReader, ReadingState, apply_mask

LIMIT = 5000


def frame(payload: bytes, first: int = 0x81, *, masked: bool = True) -> bytes:
    """One frame."""
    length = len(payload)
    bit = 0x80 if masked else 0
    if length < 126:
        head = bytes((first, bit | length))
    elif length < 65536:
        head = bytes((first, bit | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + length.to_bytes(8, "big")
    key = os.urandom(4)
    return head + key + apply_mask(payload, key) if masked else head + payload


class Deflate:
    """A sender that compresses."""

    def __init__(self) -> None:
        self.deflater = zlib.compressobj(wbits=-15)

    def __call__(self, payload: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
        packed = self.deflater.compress(payload) + self.deflater.flush(flush)
        return packed.removesuffix(b"\x00\x00\xff\xff")


def reader(*, masked: bool = True, is_compressed: bool = False) -> PayloadReader:
    return PayloadReader(masked=masked, is_compressed=is_compressed, limit=LIMIT)


def read(chunks: Iterable[bytes], **options: bool) -> list[PayloadEvent]:
    """What comes out of a reader, chunk after chunk."""
    made = reader(**options)
    return [event for chunk in chunks for event in made.feed(chunk)]


def payloads(events: list[PayloadEvent]) -> list[bytes]:
    return [each.payload for each in events if each.payload is not None]


STREAM = [
    frame(b"one"),
    frame(b"", 0x89),
    frame(b"tw", 0x01) + frame(b"ping", 0x89) + frame(b"", 0x00) + frame(b"o", 0x80),
    frame(b"x" * 200, 0x82),
    frame(b""),
    frame(b"\x03\xe8", 0x88),
]


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
def test_however_the_bytes_are_cut_the_same_messages_come_out_and_no_byte_is_lost(step: int) -> None:
    stream = b"".join(STREAM)
    events = read(stream[at : at + step] for at in range(0, len(stream), step))
    assert payloads(events) == [b"one", b"two", b"x" * 200, b""]
    assert sorted(b"".join(each.raw for each in events)) == sorted(stream)


def test_a_control_frame_does_not_wait_for_the_message_that_it_stands_in() -> None:
    made = reader()
    begin, ping, end = frame(b"tw", 0x01), frame(b"ping", 0x89), frame(b"o", 0x80)
    assert [each.raw for each in made.feed(begin + ping)] == [ping]
    assert list(made.feed(end)) == [PayloadEvent(begin + end, b"two")]


def test_what_a_backend_sends_has_no_mask() -> None:
    assert payloads(read([frame(b"one", masked=False)], masked=False)) == [b"one"]


def test_compressed_messages_are_inflated_with_what_went_before() -> None:
    deflate = Deflate()
    words = b"the same words again and again, " * 20
    first, second = deflate(words), deflate(words)
    assert len(second) < len(first)
    half = len(first) // 2
    chunks = [
        frame(first[:half], 0x41) + frame(first[half:], 0x80),
        frame(b"plain"),
        frame(second, 0xC1),
    ]
    assert payloads(read(chunks, is_compressed=True)) == [words, b"plain", words]


@pytest.mark.parametrize("added", [b"", b"\0"])  # the standard wants the empty byte, some leave it out
def test_a_message_that_ends_its_deflate_stream_is_read_and_so_is_the_next(added: bytes) -> None:
    chunks = [frame(Deflate()(b"one", zlib.Z_FINISH) + added, 0xC1), frame(Deflate()(b"two"), 0xC1)]
    assert payloads(read(chunks, is_compressed=True)) == [b"one", b"two"]


def test_a_bomb_is_inflated_no_further_than_the_limit() -> None:
    made = reader(is_compressed=True)
    events = list(made.feed(frame(Deflate()(b"\0" * 50_000_000)[: LIMIT - 10], 0xC1) + frame(b"next")))
    assert events[0].is_too_long
    assert events[0].problem == f"it is longer than {byte_size(LIMIT)}"
    assert made.state is ReadingState.BLIND  # the next one could not be read without it
    assert payloads(events) == []


def test_what_is_no_deflate_stream_is_said_to_be_none() -> None:
    events = read([frame(b"\xff\xff\xff", 0xC1)], is_compressed=True)
    assert [each.problem for each in events] == ["it cannot be inflated"]


@pytest.mark.parametrize("step", [1, 10_000])
def test_a_message_that_is_too_long_is_stepped_over_without_being_kept(step: int) -> None:
    long = frame(b"x" * 4000, 0x01) + frame(b"", 0x89) + frame(b"x" * 4000, 0x00) + frame(b"x", 0x80)
    stream = frame(b"one") + long + frame(b"two")
    made = reader()
    events, most = [], 0
    for at in range(0, len(stream), step):
        events += made.feed(stream[at : at + step])
        most = max(most, len(made.held))
    assert payloads(events) == [b"one", b"two"]
    assert [each.is_too_long for each in events if each.problem] == [True]
    assert sorted(b"".join(each.raw for each in events)) == sorted(stream)
    assert most <= 4008  # the announced length alone was enough


@pytest.mark.parametrize(
    "broken",
    [
        frame(b"x", masked=False),
        frame(b"x", 0x83),
        frame(b"x", 0x8B),
        frame(b"x", 0x80),
        frame(b"x", 0xC1),
        frame(b"x", 0xA1),
        frame(b"x", 0x09),
        frame(b"x", 0x01) + frame(b"x", 0x81),
        frame(b"x" * 126, 0x89),
    ],
    ids=(
        *("unmasked", "opcode 3", "opcode 11", "continues nothing", "reserved bit 1", "reserved bit 2"),
        *("fragmented ping", "message in a message", "long ping"),
    ),
)
def test_what_breaks_the_protocol_is_handed_on_as_it_came_for_others_to_judge(broken: bytes) -> None:
    stream = frame(b"one") + broken + frame(b"two")
    events = read([stream])
    assert payloads(events) == [b"one"]
    assert b"".join(each.raw for each in events) == stream


def test_what_is_held_can_be_had_back() -> None:
    made, begun = reader(), frame(b"tw", 0x01) + frame(b"three", 0x00)[:4]
    assert list(made.feed(begun)) == []
    assert made.release() == begun
    assert list(made.feed(b"anything")) == [PayloadEvent(b"anything")]


BETWEEN, INSIDE, SKIPPING, BLIND = ReadingState
BEGUN, ENDS, TOO_MUCH, TOO_MUCH_ENDS = frame(b"x", 0x01), frame(b"x", 0x80), b"x" * (LIMIT + 1), frame(b"", 0x80)
BROKEN = frame(b"x", 0x83)


@pytest.mark.parametrize(
    ("sent", "states"),
    [
        ([frame(b"x"), frame(TOO_MUCH)], [BETWEEN, BETWEEN]),
        ([BEGUN, frame(b"", 0x89), frame(b"x", 0x00), ENDS], [INSIDE, INSIDE, INSIDE, BETWEEN]),
        ([frame(TOO_MUCH, 0x01), frame(b"x", 0x00), TOO_MUCH_ENDS], [SKIPPING, SKIPPING, BETWEEN]),
        ([BEGUN, frame(TOO_MUCH, 0x00), frame(b"", 0x89), TOO_MUCH_ENDS], [INSIDE, SKIPPING, SKIPPING, BETWEEN]),
        ([BEGUN, frame(TOO_MUCH, 0x80)], [INSIDE, BETWEEN]),
        ([BROKEN, frame(b"x"), BEGUN], [BLIND, BLIND, BLIND]),
        ([BEGUN, BROKEN, ENDS], [INSIDE, BLIND, BLIND]),
        ([frame(TOO_MUCH, 0x01), BROKEN, TOO_MUCH_ENDS], [SKIPPING, BLIND, BLIND]),
        ([frame(TOO_MUCH, 0x01), frame(b"x")], [SKIPPING, BLIND]),
    ],
)
def test_what_comes_leads_from_state_to_state_by_the_table(sent: list[bytes], states: list[ReadingState]) -> None:
    made, reached = reader(), [BETWEEN]
    for each in sent:
        list(made.feed(each))
        reached.append(made.state)
    assert reached[1:] == states
    assert all(after is before or after in NEXT[before] for before, after in pairwise(reached))


def test_one_who_has_ceased_to_read_never_reads_again_whatever_its_messages_do() -> None:
    assert not NEXT[BLIND]
    made = reader(is_compressed=True)
    list(made.feed(frame(Deflate()(os.urandom(2 * LIMIT)), 0x41)))  # not read, and needed to read the next
    assert made.state is BLIND
    assert [each.payload for each in made.feed(TOO_MUCH_ENDS + frame(b"one"))] == [None]


@pytest.mark.parametrize(("is_inside", "read"), [(True, [b"two"]), (False, [b"one", b"two"])])
def test_who_begins_in_the_middle_of_a_connection_reads_from_the_next_message_on(
    is_inside: bool, read: list[bytes]
) -> None:
    rest = 3
    made = ObservingReader(
        masked=True, is_compressed=False, limit=LIMIT, keeps_context=False, rest=rest, is_inside=is_inside
    )
    after = frame(b"one", 0x80 if is_inside else 0x81)
    assert payloads(list(made.feed(b"end" + after + frame(b"two")))) == read
    assert made.state is BETWEEN
