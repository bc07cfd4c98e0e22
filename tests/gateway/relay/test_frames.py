"""The scanner against a byte-at-a-time reading of the same stream, and against the rules of RFC 6455 one by one."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.relay import frames
from gateway.relay.frames import FrameError, FrameScanner

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
KEY = b"\x11\x22\x33\x44"


def frame(opcode: int, payload: bytes = b"", *, masked: bool = True, final: bool = True, rsv: int = 0) -> bytes:
    length = len(payload)
    first = (0x80 if final else 0) | rsv | opcode
    mark = 0x80 if masked else 0
    if length < 126:
        head = bytes([first, mark | length])
    elif length < 65536:
        head = bytes([first, mark | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, mark | 127]) + length.to_bytes(8, "big")
    return head + (KEY + frames.apply_mask(payload, KEY) if masked else payload)


@dataclass
class Reading:
    """What a stream held."""

    messages: int = 0
    octets: int = 0
    controls: list[tuple[int, bytes]] = field(default_factory=list)
    passed: int = 0
    closed: bool = False
    error: tuple[int, int] | None = None
    between_messages: bool = True


def read_by_bytes(stream: bytes, *, masked: bool, rsv: int, limit: int, most: int = 0) -> Reading:
    """The plainest reading there is: one byte after the other, no short cuts, nothing shared with the scanner."""
    reading, at, fragmented, so_far = Reading(), 0, False, 0
    while at < len(stream) and not reading.closed:
        begin = at
        if len(stream) - at < 2:
            break
        final, bits, opcode = stream[at] & 128 != 0, stream[at] & 0x70, stream[at] & 15
        has_mask, length = stream[at + 1] & 128 != 0, stream[at + 1] & 127
        at += 2
        if has_mask != masked:
            reading.error = (1002, begin)
            break
        if opcode >= 8:
            if opcode > 10 or not final or bits or length > 125:
                reading.error = (1002, begin)
                break
            whole = (4 if masked else 0) + length
            if len(stream) - at < whole:
                at = begin
                break
            key = stream[at : at + 4] if masked else bytes(4)
            body = stream[at + (4 if masked else 0) : at + whole]
            payload = bytes(body[place] ^ key[place % 4] for place in range(length))
            if opcode == 8 and payload:
                code = int.from_bytes(payload[:2], "big")
                good = len(payload) > 1 and (
                    code in {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}
                    or 3000 <= code < 5000
                )
                if not good:
                    reading.error = (1002, begin)
                    break
                try:
                    payload[2:].decode()
                except UnicodeDecodeError:
                    reading.error = (1007, begin)
                    break
            at += whole
            reading.controls.append((opcode, payload))
            reading.closed = opcode == 8
            continue
        wide = {126: 2, 127: 8}.get(length, 0)
        if len(stream) - at < wide:
            at = begin
            break
        if wide:
            length = int.from_bytes(stream[at : at + wide], "big")
            at += wide
            if length >= 1 << 63 or length < (126 if wide == 2 else 65536):
                reading.error = (1002, begin)
                break
        allowed = rsv if opcode else rsv & ~0x40
        if opcode > 2 or (opcode == 0) != fragmented or bits & ~allowed:
            reading.error = (1002, begin)
            break
        so_far = so_far + length if fragmented else length
        if (limit and so_far > limit) or (most and length > most):
            reading.error = (1009, begin)
            break
        reading.messages += not fragmented
        reading.octets += length
        fragmented = not final
        at += (4 if masked else 0) + length
    reading.passed = reading.error[1] if reading.error else min(at, len(stream))
    reading.between_messages = at <= len(stream) and not fragmented
    return reading


def read_by_chunks(chunks: list[bytes], *, masked: bool, rsv: int, limit: int, most: int = 0) -> Reading:
    """What the relay does with the scanner: what may not pass yet goes in front of the next chunk."""
    scanner, reading, held = FrameScanner(masked=masked, rsv=rsv, limit=limit, frame=most), Reading(), b""
    for chunk in chunks:
        data = held + chunk
        plain, before = scanner.plain(data), (scanner.messages, scanner.octets)
        try:
            end = scanner.feed(data)
            if plain:
                octets = len(data) - plain * scanner.overhead
                assert (end, scanner.messages, scanner.octets) == (len(data), before[0] + plain, before[1] + octets)
                assert (scanner.remaining, scanner.fragmented) == (0, False)
        except FrameError as error:
            end = error.offset
            reading.error = (error.code, reading.passed + end)
        reading.controls += [(control.opcode, control.payload) for control in scanner.controls]
        scanner.controls.clear()
        reading.passed += end
        held = data[end:]
        if reading.error or scanner.closed:
            break
        assert len(held) < 140
    reading.messages, reading.octets, reading.closed = scanner.messages, scanner.octets, scanner.closed
    reading.between_messages = not scanner.remaining and not scanner.fragmented
    return reading


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(borders)]


SIZES = st.one_of(st.integers(0, 40), st.sampled_from([0, 1, 124, 125, 126, 127, 300, 65535, 65536, 70000]))
CODES = st.one_of(
    st.sampled_from([999, 1000, 1001, 1004, 1005, 1006, 1011, 1015, 1016, 2999, 5000]), st.integers(3000, 4999)
)
PINGS = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))


@st.composite
def legal_streams(draw: st.DrawFn, *, masked: bool) -> bytes:
    """Messages whole and fragmented, in runs of equal size, with pings between and inside, perhaps a Close at last."""
    parts: list[bytes] = []

    def maybe_ping() -> None:
        if draw(st.integers(0, 3)) == 0:
            opcode, payload = draw(PINGS)
            parts.append(frame(opcode, payload, masked=masked))

    for _ in range(draw(st.integers(0, 6))):
        opcode, size = draw(st.sampled_from([TEXT, BINARY])), draw(SIZES)
        shape = draw(st.sampled_from(["one", "run", "fragmented"]))
        if shape == "fragmented":
            parts.append(frame(opcode, bytes(size), masked=masked, final=False))
            for _ in range(draw(st.integers(0, 3))):
                maybe_ping()
                parts.append(frame(CONTINUATION, bytes(draw(SIZES)), masked=masked, final=False))
            parts.append(frame(CONTINUATION, bytes(draw(SIZES)), masked=masked))
        else:
            parts += [frame(opcode, bytes(size), masked=masked)] * (draw(st.integers(3, 40)) if shape == "run" else 1)
        maybe_ping()
    if draw(st.booleans()):
        parts.append(frame(CLOSE, draw(CODES).to_bytes(2, "big") + b"so long", masked=masked))
    return b"".join(parts)


@st.composite
def streams(draw: st.DrawFn, *, masked: bool) -> bytes:
    """Legal streams, such streams with one byte changed, cut short or followed by more, and plain noise."""
    kind = draw(st.sampled_from(["legal", "changed", "cut", "noise"]))
    if kind == "noise":
        return draw(st.binary(max_size=300))
    stream = draw(legal_streams(masked=masked))
    if kind == "cut":
        return stream[: draw(st.integers(0, len(stream)))]
    if kind == "changed" and stream:
        place = draw(st.integers(0, len(stream) - 1))
        return stream[:place] + bytes([draw(st.integers(0, 255))]) + stream[place + 1 :]
    return stream


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("rsv", [0, 0x40, 0x70])
@given(data=st.data(), limit=st.sampled_from([0, 1, 20, 125, 200, 66000]), most=st.sampled_from([0, 0, 10, 130, 65999]))
def test_any_chunking_of_any_stream_reads_as_byte_by_byte(
    data: st.DataObject, masked: bool, rsv: int, limit: int, most: int
) -> None:
    stream = data.draw(streams(masked=masked))
    if rsv and stream and data.draw(st.booleans()):
        stream = bytes([stream[0] | rsv]) + stream[1:]
    places = data.draw(st.lists(st.integers(0, 1 << 20), max_size=12))
    expected = read_by_bytes(stream, masked=masked, rsv=rsv, limit=limit, most=most)
    assert read_by_chunks(cut(stream, places), masked=masked, rsv=rsv, limit=limit, most=most) == expected


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(
    ("opcode", "size", "count"), [(TEXT, 0, 1), (BINARY, 125, 1), (TEXT, 125, 16), (BINARY, 1, 300), (TEXT, 0, 9)]
)
def test_equal_whole_messages_are_seen_at_a_glance(opcode: int, size: int, count: int, masked: bool) -> None:
    one = frame(opcode, b"x" * size, masked=masked)
    scanner = FrameScanner(masked=masked)
    assert scanner.plain(one * count) == count
    assert len(one) == size + scanner.overhead
    assert scanner.plain(one * count + one[:1]) == 0
    assert scanner.plain(one * count + frame(PING, b"x" * size, masked=masked)) == 0
    assert scanner.plain(one * count + frame(3 - opcode, b"x" * size, masked=masked)) == 0
    scanner.limit(size or 1)
    assert scanner.plain(one) == 1
    if size > 1:
        scanner.limit(size - 1)
        assert scanner.plain(one) == 0


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("before", ["inside a frame", "inside a message", "after a Close"])
def test_nothing_is_seen_at_a_glance_where_something_is_under_way(before: str, masked: bool) -> None:
    one, scanner = frame(TEXT, b"x", masked=masked), FrameScanner(masked=masked)
    first = {
        "inside a frame": frame(TEXT, b"x" * 300, masked=masked)[:100],
        "inside a message": frame(TEXT, b"x", masked=masked, final=False),
        "after a Close": frame(CLOSE, masked=masked),
    }[before]
    scanner.feed(first)
    assert scanner.plain(one) == 0


@pytest.mark.parametrize("masked", [True, False])
@given(data=st.data())
def test_a_stream_given_byte_by_byte_reads_the_same(data: st.DataObject, masked: bool) -> None:
    stream = data.draw(streams(masked=masked).filter(lambda stream: len(stream) < 3000))
    chunks = [stream[place : place + 1] for place in range(len(stream))]
    expected = read_by_bytes(stream, masked=masked, rsv=0, limit=0)
    assert read_by_chunks(chunks, masked=masked, rsv=0, limit=0) == expected


@pytest.mark.parametrize(
    ("stream", "code", "words"),
    [
        (frame(3), 1002, "Opcode 3"),
        (frame(11), 1002, "Opcode 11"),
        (frame(TEXT, b"x", rsv=0x40), 1002, "reserved bit"),
        (frame(PING, rsv=0x40), 1002, "reserved bit"),
        (frame(TEXT, b"x", masked=False), 1002, "not masked"),
        (frame(PING, b"x", masked=False), 1002, "not masked"),
        (frame(PING, final=False), 1002, "fragmented"),
        (bytes([0x89, 0xFE, 0, 126]), 1002, "over 125"),
        (frame(CONTINUATION, b"x"), 1002, "continues nothing"),
        (frame(TEXT, b"x", final=False) + frame(TEXT, b"y"), 1002, "inside a fragmented"),
        (bytes([0x82, 0xFE, 0, 125]), 1002, "shortest"),
        (bytes([0x82, 0xFF]) + (65535).to_bytes(8, "big"), 1002, "shortest"),
        (bytes([0x82, 0xFF]) + (1 << 63).to_bytes(8, "big"), 1002, "2^63"),
        (frame(BINARY, bytes(1001)), 1009, "message was over the limit of 1000"),
        (frame(BINARY, bytes(701)), 1009, "frame was over the limit of 700"),
        (frame(BINARY, bytes(600), final=False) + frame(CONTINUATION, bytes(401)), 1009, "limit"),
        (frame(CLOSE, b"\x03"), 1002, "valid code"),
        (frame(CLOSE, (1006).to_bytes(2, "big")), 1002, "valid code"),
        (frame(CLOSE, (1000).to_bytes(2, "big") + b"\xff"), 1007, "UTF-8"),
    ],
)
def test_a_broken_rule_has_its_code_and_says_which(stream: bytes, code: int, words: str) -> None:
    scanner = FrameScanner(masked=True, limit=1000, frame=700)
    good = frame(PING, b"before")
    with pytest.raises(FrameError) as caught:
        scanner.feed(good + stream)
    assert caught.value.code == code
    assert words in caught.value.reason
    assert caught.value.offset >= len(good)


def test_a_server_must_not_mask() -> None:
    with pytest.raises(FrameError, match="was masked"):
        FrameScanner(masked=False).feed(frame(TEXT, b"x", masked=True))


def test_compressed_messages_pass_only_where_compression_was_negotiated() -> None:
    compressed = frame(BINARY, b"x" * 10, rsv=0x40) + frame(TEXT, b"y", rsv=0x40, final=False) + frame(CONTINUATION)
    scanner = FrameScanner(masked=True, rsv=frames.RSV1)
    assert scanner.feed(compressed) == len(compressed)
    assert scanner.messages == 2
    with pytest.raises(FrameError, match="reserved bit"):
        scanner.feed(frame(TEXT, final=False) + frame(CONTINUATION, rsv=0x40))


def test_a_huge_frame_is_announced_by_its_header_and_its_payload_is_only_counted_down() -> None:
    scanner = FrameScanner(masked=False)
    header = bytes([0x82, 127]) + (1 << 40).to_bytes(8, "big")
    assert scanner.feed(header + bytes(100)) == 110
    assert scanner.octets == 1 << 40
    assert scanner.remaining == (1 << 40) - 100


def test_between_fragments_a_control_frame_may_follow_but_no_message() -> None:
    scanner = FrameScanner(masked=False)
    scanner.feed(frame(TEXT, b"half", masked=False, final=False))
    assert (scanner.remaining, scanner.fragmented) == (0, True)


def test_nothing_passes_after_a_close() -> None:
    scanner = FrameScanner(masked=True)
    close = frame(CLOSE, (1000).to_bytes(2, "big"))
    assert scanner.feed(close + frame(TEXT, b"late")) == len(close)
    assert scanner.feed(frame(TEXT, b"later")) == 0
    assert scanner.messages == 0


def state(scanner: FrameScanner) -> tuple[int, bool, int, int, int]:
    return scanner.remaining, scanner.fragmented, scanner.size, scanner.messages, scanner.octets


def test_a_chunk_read_again_reads_the_same() -> None:
    scanner = FrameScanner(masked=True)
    scanner.feed(frame(TEXT, b"abc", final=False))
    before = state(scanner)
    chunk = frame(CONTINUATION, b"def") + frame(PING, b"?") + frame(TEXT, b"ghi")[:-1]
    first = (scanner.feed(chunk), state(scanner), list(scanner.controls))
    scanner.rewind(before)
    assert (scanner.feed(chunk), state(scanner), list(scanner.controls)) == first


@given(code=st.sampled_from([1000, 1001, 1014, 4001]), reason=st.text(max_size=200), masked=st.booleans())
def test_a_close_frame_made_here_is_read_back_with_its_code_and_as_much_of_the_reason_as_fits(
    code: int, reason: str, masked: bool
) -> None:
    scanner = FrameScanner(masked=masked)
    made = frames.encode_close(code, reason, masked=masked)
    assert scanner.feed(made) == len(made)
    got, said = frames.decode_close(scanner.controls[0].payload)
    assert got == code
    assert reason.startswith(said)
    assert said == reason or len(said.encode()) > 119


def test_a_close_frame_without_a_code_has_no_body() -> None:
    assert frames.encode_close(None, masked=False) == b"\x88\x00"


@pytest.mark.parametrize("masked", [True, False])
def test_pings_and_pongs_made_here_are_read_back(masked: bool) -> None:
    scanner = FrameScanner(masked=masked)
    scanner.feed(
        frames.encode_control(PING, b"are you there", masked=masked)
        + frames.encode_control(PONG, b"yes", masked=masked)
    )
    assert [(control.opcode, control.payload) for control in scanner.controls] == [
        (PING, b"are you there"),
        (PONG, b"yes"),
    ]
