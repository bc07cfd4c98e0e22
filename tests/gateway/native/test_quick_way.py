"""The extension is held to the Python beside it: what it passes, that passes too, and leaves the same state behind."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import native
from gateway.native import build, pure
from gateway.quotas.meter import LimitSource, Meter
from gateway.relay.frames import FrameError, FrameScanner
from tests.gateway.relay.test_frames import cut, read_by_bytes, streams

HAS_EXTENSION = native.RELAY == native.NATIVE
LARGEST = (1 << 63) - 1


class Purse(LimitSource):
    def __init__(self, spent: int, top: int, *, octets: bool) -> None:
        super().__init__(array("Q", [0, spent, 0]), 1, lambda source: None, subject="subscription", octets=octets)
        self.top = top

    def blocked(self, need: int, now: float) -> None: ...

    def refresh(self, now: float) -> None: ...

    def end(self) -> None: ...


def side(scanner: FrameScanner, meter: Meter) -> Any:
    leg = native.LegBase()
    leg.scanner, leg.meter, leg.flows, leg.heard = scanner, meter, True, False
    return leg


def state_of(scanner: FrameScanner) -> tuple[int, bool, int, int, int]:
    size = scanner.size if scanner.fragmented else 0  # else it says how long some earlier message was
    return scanner.remaining, scanner.fragmented, size, scanner.messages, scanner.octets


@pytest.mark.parametrize("masked", [True, False])
@given(
    data=st.data(),
    rsv=st.sampled_from([0, 0x40, 0x70]),
    limit=st.sampled_from([0, 1, 125, 200, 66000]),
    longest=st.sampled_from([0, 1, 60, 127, 400]),
)
def test_what_passes_at_a_glance_is_read_alike_by_the_plain_reading(
    data: st.DataObject, masked: bool, rsv: int, limit: int, longest: int
) -> None:
    """In either mode; the extension also passes all that the plain reading finds nothing in for others to do."""
    stream = data.draw(streams(masked=masked))
    places = data.draw(st.lists(st.integers(0, 1 << 20), max_size=8))
    purse = Purse(0, 1 << 50, octets=True)
    quick, plain = (FrameScanner(masked=masked, rsv=rsv, limit=limit, frame=longest) for _ in range(2))
    leg, held = side(quick, Meter([purse])), b""
    for chunk in cut(stream, places):
        chunk, before = held + chunk, state_of(plain)
        has_passed = leg.passes(chunk)
        try:
            end, error = plain.feed(chunk), False
        except FrameError:
            end, error = 0, True
        is_ordinary = bool(chunk) and not error and end == len(chunk) and not plain.controls and not plain.closed
        assert is_ordinary or not has_passed
        if HAS_EXTENSION:
            assert has_passed == is_ordinary
        if has_passed:
            assert state_of(quick) == state_of(plain)
            assert purse.cells.tolist() == [0, plain.octets, 0]
        else:
            assert state_of(quick) == before
        if error or plain.closed:
            break
        quick.rewind((plain.remaining, plain.fragmented, plain.size, plain.messages, plain.octets))
        purse.cells[1] = plain.octets
        plain.controls.clear()
        held = chunk[end:]


@pytest.mark.parametrize("masked", [True, False])
@given(data=st.data(), limit=st.sampled_from([0, 125, 66000]), longest=st.sampled_from([0, 127, 65999]))
def test_what_passes_at_a_glance_a_reading_of_single_bytes_finds_nothing_in(
    data: st.DataObject, masked: bool, limit: int, longest: int
) -> None:
    stream = data.draw(streams(masked=masked))
    expected = read_by_bytes(stream, masked=masked, rsv=0, limit=limit, most=longest)
    scanner = FrameScanner(masked=masked, limit=limit, frame=longest)
    has_passed = side(scanner, Meter()).passes(stream)
    is_ordinary = bool(stream) and not expected.error and not expected.controls and expected.passed == len(stream)
    assert has_passed <= is_ordinary
    if HAS_EXTENSION:
        assert has_passed == is_ordinary
    if has_passed:
        assert (scanner.messages, scanner.octets) == (expected.messages, expected.octets)


@given(
    purses=st.lists(st.tuples(st.integers(0, 100), st.integers(-1, 100), st.booleans()), max_size=4),
    messages=st.integers(0, 60),
    octets=st.one_of(st.integers(0, 120), st.just(LARGEST)),
)
def test_a_meter_takes_from_all_or_from_none_and_in_either_mode_alike(
    purses: list[tuple[int, int, bool]], messages: int, octets: int
) -> None:
    sources = [Purse(spent, top, octets=counts) for spent, top, counts in purses]
    meter, plain = Meter(sources), pure.MeterBase()
    twins = [pure.SourceBase() for _ in purses]
    for twin, (spent, top, counts) in zip(twins, purses, strict=True):
        twin.cells, twin.at, twin.top, twin.octets = [spent], 0, top, counts
    plain.draw_from(twins)
    assert meter.take(messages, octets) == plain.take(messages, octets)
    assert [source.cells.tolist() for source in sources] == [[0, twin.cells[0], 0] for twin in twins]


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param(b"\x41\x00\xc0\x00", id="RSV1 on a continuation"),
        pytest.param(b"\xa2\x00", id="a bit that was not negotiated"),
        pytest.param(b"\x80\x00", id="a continuation of nothing"),
        pytest.param(b"\x01\x00\x82\x00", id="a message inside a message"),
        pytest.param(b"\x82\x80abcd", id="a mask"),
        pytest.param(b"\x83\x00", id="a reserved opcode"),
        pytest.param(b"\x82\x00\x89\x00", id="a ping"),
        pytest.param(b"\x88\x00", id="a Close"),
        pytest.param(b"\x82\x7e\x00\x7d" + bytes(125), id="a length of 16 bits for 125 bytes"),
        pytest.param(b"\x82\x7f" + (65535).to_bytes(8, "big"), id="a length of 64 bits for 65,535 bytes"),
        pytest.param(b"\x82\x7f" + (1 << 63).to_bytes(8, "big"), id="a length of 2^63"),
        pytest.param(b"\x82\x00\x82", id="half a header"),
        pytest.param(b"\x82\x7e\x01", id="half a long header"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_for_others_to_judge_never_passes_at_a_glance(chunk: bytes) -> None:
    scanner = FrameScanner(masked=False, rsv=0x40)
    assert not side(scanner, Meter()).passes(chunk)
    assert state_of(scanner) == (0, False, 0, 0, 0)


def test_nothing_passes_at_a_glance_while_a_side_does_not_flow_or_its_plan_has_no_room() -> None:
    purse = Purse(0, 1, octets=False)
    scanner = FrameScanner(masked=False)
    leg = side(scanner, Meter([purse]))
    leg.flows = False
    assert not leg.passes(b"\x82\x00")
    leg.flows = True
    assert not leg.passes(b"\x82\x00\x82\x00")
    assert (scanner.messages, purse.unspent) == (0, 1)
    assert leg.passes(b"\x82\x00")
    assert (scanner.messages, purse.unspent) == (1, 0)


def test_counts_may_move_to_other_memory_and_none_beside_it_is_touched() -> None:
    purse = Purse(0, 5, octets=False)
    meter = Meter([purse])
    purse.cells, purse.at = memoryview(bytearray(32)).cast("Q"), 3
    assert meter.take(2, 0)
    assert purse.cells.tolist() == [0, 0, 0, 2]
    if HAS_EXTENSION:
        purse.at = 4
        assert not meter.take(0, 0)
        for wrong in ([0], b"\0" * 8, array("q", [0]), array("I", [0])):
            with pytest.raises((TypeError, BufferError)):
                purse.cells = wrong
        with pytest.raises(TypeError):
            side(FrameScanner(masked=True), Meter([purse])).scanner = object()
        with pytest.raises(TypeError):
            meter.draw_from([object()])


# --- building it --------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the extension is built in these tests."""
    monkeypatch.setattr(build, "EXTENSION", tmp_path / "_native.so")
    monkeypatch.setattr(build, "RECORD", tmp_path / "_native.why")
    return tmp_path


def compiler(folder: Path, does: str) -> str:
    path = folder / "cc"
    path.write_text(f"#!/bin/sh\necho ran >> {folder}/runs\n{does}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        ("echo 'src/tls.h: openssl/ssl.h: No such file or directory' >&2; exit 1", "OpenSSL's headers were not found"),
        ("echo 'internal compiler error' >&2; exit 1", "the C compiler failed"),
    ],
)
def test_where_it_cannot_be_built_it_is_said_why_and_not_tried_again_at_each_start(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, does: str, sentence: str
) -> None:
    monkeypatch.setenv("CC", compiler(elsewhere, does))
    monkeypatch.setattr(build, "has_headers", lambda: True)
    assert build.main() == build.main() == 0
    assert build.why_not() == sentence
    assert (elsewhere / "runs").read_text() == "ran\n"
    assert not build.EXTENSION.exists()


def test_a_machine_without_a_compiler_or_headers_or_another_system_has_none(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def why(change: Callable[[pytest.MonkeyPatch], None]) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(build, "has_headers", lambda: True)
            change(patch)
            with pytest.raises(build.CannotBuild) as caught:
                build.compile_to(build.EXTENSION)
        return str(caught.value)

    monkeypatch.delenv("CC", raising=False)
    assert "no C compiler" in why(lambda patch: patch.setenv("PATH", str(elsewhere)))
    monkeypatch.setenv("CC", compiler(elsewhere, "true"))
    assert "Python's headers" in why(lambda patch: patch.setattr(build, "has_headers", lambda: False))
    assert "Linux only" in why(lambda patch: patch.setattr(sys, "platform", "darwin"))


def test_it_is_built_anew_when_its_sources_have_changed(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", compiler(elsewhere, 'while [ "$1" != -o ]; do shift; done; touch "$2"'))
    monkeypatch.setattr(build, "has_headers", lambda: True)
    build.main()
    build.main()
    assert build.EXTENSION.exists()
    assert (elsewhere / "runs").read_text() == "ran\n"
    build.RECORD.write_text("something older\n")
    build.main()
    assert (elsewhere / "runs").read_text() == "ran\nran\n"


def test_one_that_was_built_of_other_sources_is_not_taken(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build.is_current()  # nothing is known of it
    monkeypatch.setenv("CC", compiler(elsewhere, 'while [ "$1" != -o ]; do shift; done; touch "$2"'))
    monkeypatch.setattr(build, "has_headers", lambda: True)
    build.main()
    assert build.is_current()
    monkeypatch.setattr(build, "sources", lambda: "others")
    assert not build.is_current()
    assert build.why_not() == "the extension is of other sources than this tree, and `make run` makes it anew"
    assert native.find_extension() is None
