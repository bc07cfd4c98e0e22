"""Plans on the frame path: what one worker lets pass, and what several do together, to the message and the byte."""

from __future__ import annotations

import random
import time
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.quotas.admission import Admission
from gateway.quotas.limits import BYTES, MESSAGES, OPEN, UNLIMITED, Action, Period, PlanLimits, Window, window_at
from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Meter, Renew, Wait
from gateway.quotas.quota import IDLE_SECONDS, Quota
from gateway.quotas.usage import PlanUsage, usage_of_application, usage_of_subscription
from gateway.relay.frames import FrameScanner
from gateway.relay.throttle import MOST_FRAMES, FrameLimiter
from tests.gateway.metering_world import EPOCH, Line, MemoryStore, SimulatedWorker

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


# --- windows and limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "moment", "begins", "ends"),
    [
        (Period.MINUTE, 1_700_000_059.99, 1_700_000_040, 1_700_000_100),
        (Period.MINUTE, 1_700_000_040.0, 1_700_000_040, 1_700_000_100),
        (Period.HOUR, 1_700_000_040.0, 1_699_999_200, 1_700_002_800),
        (Period.DAY, 1_700_000_040.0, 1_699_920_000, 1_700_006_400),
        (Period.MONTH, 1_700_000_040.0, 1_698_796_800, 1_701_388_800),
        (Period.MONTH, 1_709_251_199.0, 1_706_745_600, 1_709_251_200),  # the last second of February 2024
        (Period.MONTH, 1_703_980_800.0, 1_701_388_800, 1_704_067_200),  # 31 December 2023
    ],
)
def test_a_period_begins_and_ends_with_the_calendar(period: Period, moment: float, begins: int, ends: int) -> None:
    assert window_at(period, moment) == Window(begins, ends)


@pytest.mark.parametrize("period", list(Period))
@given(moment=st.floats(0, 4e9))
def test_every_moment_lies_in_exactly_one_period(period: Period, moment: float) -> None:
    window = window_at(period, moment)
    assert window.start <= moment < window.end
    assert window_at(period, window.end).start == window.end
    assert window_at(period, window.end - 0.001) == window


@pytest.mark.parametrize(
    "wrong",
    [
        {"quota": -1},
        {"quota": 1 << 54},
        {"rate": 0},
        {"burst": 0, "rate": 1},
        {"connections": -3},
        {"unit": "frames"},
        {"counted": "backend"},
        {"over_quota": Action.DELAY},
    ],
)
def test_limits_that_make_no_sense_are_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        PlanLimits(**wrong)  # type: ignore[arg-type]


def test_limits_are_read_from_a_plan_by_the_names_of_its_fields() -> None:
    document = {"name": "Gold", "quota": 5, "unit": BYTES, "period": "month", "over_rate": "drop", "rate": 7}
    assert PlanLimits.from_document(document) == PlanLimits(5, BYTES, Period.MONTH, rate=7, over_rate=Action.DROP)
    assert PlanLimits.from_document({}) == UNLIMITED


@pytest.mark.parametrize(("rate", "burst", "at_once"), [(100, None, 10), (5, None, 1), (5, 20, 20)])
def test_without_a_burst_a_tenth_of_a_second_may_pass_at_once(rate: int, burst: int | None, at_once: int) -> None:
    assert PlanLimits(rate=rate, burst=burst).burst_messages == at_once


# --- the meter ----------------------------------------------------------------------------------------------


class Purse(LimitSource):
    """A source that holds so much and never gets more."""

    __slots__ = ()

    def __init__(self, top: int, *, octets: bool = False) -> None:
        super().__init__([0], 0, lambda source: None, subject="subscription", octets=octets)
        self.top = top

    def blocked(self, need: int, now: float) -> Blocked | None:
        return None if need <= self.unspent else Renew(self)

    def refresh(self, now: float) -> None: ...

    def end(self) -> None: ...


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("scarce", [0, 1, 2, 3])
@pytest.mark.parametrize("octets", [False, True])
def test_a_take_is_all_or_nothing_from_every_source(count: int, scarce: int, octets: bool) -> None:
    if scarce >= count:
        return
    purses = [Purse(10 if place == scarce else 100, octets=octets) for place in range(count)]
    meter = Meter(purses)
    size = (0, 6) if octets else (6, 0)
    assert meter.take(*size)
    assert not meter.take(*size)
    assert [purse.cells[0] for purse in purses] == [6] * count
    assert meter.take(*((0, 4) if octets else (4, 0)))
    assert not meter.take(*((0, 1) if octets else (1, 0)))
    assert meter.take(*((99, 0) if octets else (0, 99))), "what is not counted is free"


def test_a_meter_without_sources_lets_everything_pass() -> None:
    assert Meter().take(1_000_000, 1 << 60)
    assert Meter().blocked(1, 1, EPOCH) is None


def test_of_several_obstacles_the_worst_is_named() -> None:
    class Blocked(Purse):
        __slots__ = ("kind",)

        def blocked(self, need: int, now: float) -> Blocked | None:
            return self.kind  # type: ignore[no-any-return]

    def blocked(make: str) -> Blocked:
        source = Blocked(0)
        source.kind = {  # type: ignore[attr-defined]
            "wait": Wait(source, EPOCH),
            "renew": Renew(source),
            "drop": LimitExceeded(source, Action.DROP, 0.0, ""),
            "close": LimitExceeded(source, Action.CLOSE, 0.0, ""),
        }[make]
        return source

    order = ["wait", "renew", "drop", "close"]
    for milder, worse in pairwise(order):
        for pair in ([blocked(milder), blocked(worse)], [blocked(worse), blocked(milder)]):
            found = Meter(pair).blocked(1, 1, EPOCH)
            assert found is not None
            assert found == pair[0 if pair[0].kind == found else 1].kind  # type: ignore[attr-defined]
            assert isinstance(found, {"renew": Renew, "drop": LimitExceeded, "close": LimitExceeded}[worse])
            assert worse == "renew" or (isinstance(found, LimitExceeded) and found.action is Action(worse))


def test_those_who_wait_are_woken_in_turn_and_only_while_there_is_something() -> None:
    purse, woken = Purse(0), list[str]()

    def draw(name: str) -> None:
        woken.append(name)
        purse.cells[0] += 1

    resumes = {name: (lambda name=name: draw(name)) for name in "abcd"}  # type: ignore[misc]
    for name in "abcd":
        purse.hold(resumes[name])
    purse.forget(resumes["b"])
    purse.top = 2
    purse.wake()
    assert woken == ["a", "c"]
    purse.wake(everybody=True)
    assert woken == ["a", "c", "d"]


# --- one worker ---------------------------------------------------------------------------------------------


class Desk:
    """One worker, one store, one clock; `line` opens connections under a plan."""

    def __init__(self, plan: PlanLimits | None = None, application: PlanLimits | None = None) -> None:
        self.clock = [EPOCH]
        self.store = MemoryStore()
        self.worker = SimulatedWorker("a", self.store, EPOCH)
        self.plan = plan
        self.application = application

    def line(self, *, masked: bool = True, may_skip: bool = True, limit: int = 0) -> Line:
        entry = self.worker.enter(self.clock[0], self.plan, application=self.application)
        for _ in range(3):
            if entry.try_admit(self.clock[0]) is None:
                break
            self.sequence()
        else:
            raise AssertionError("not let in")
        self.sequence()
        line = Line(entry, self.clock, masked=masked, may_skip=may_skip, limit=limit)
        self.worker.lines.append(line)
        return line

    def sequence(self, later: float = 0.0) -> None:
        self.clock[0] += later
        self.worker.sequence(self.clock[0])

    def run(self, seconds: float, step: float = 0.05) -> None:
        end = self.clock[0] + seconds
        while self.clock[0] < end:
            self.sequence(step)


def test_a_quota_ends_with_its_last_message_and_says_when_there_is_more() -> None:
    desk = Desk(PlanLimits(quota=20))
    line = desk.line()
    for _ in range(10):
        if not line.is_held and line.is_open:
            line.receive(messages(3))
        desk.sequence(0.01)
    assert admitted(line.passed)[0] == 20
    assert line.over is not None
    assert line.over.sentence == (
        "The subscription's 20 messages a day are used up. There is more from 2023-11-15 00:00 UTC."
    )
    assert line.over.resets_at == window_at(Period.DAY, EPOCH).end


def test_a_quota_of_bytes_says_that_a_message_finds_no_room() -> None:
    desk = Desk(PlanLimits(quota=1_000, unit=BYTES))
    line = desk.line()
    line.receive(messages(2, 400))
    desk.run(1)
    line.receive(messages(1, 201))
    desk.run(1)
    assert line.over is not None
    assert "1,000 bytes a day have no room for this message" in line.over.sentence
    assert len(line.over.sentence.encode()) <= 123
    other = desk.line()
    other.receive(messages(1, 200))
    desk.run(1)
    assert admitted(other.passed) == (1, 200)


def test_a_message_larger_than_the_whole_quota_is_over_at_once() -> None:
    desk = Desk(PlanLimits(quota=1_000, unit=BYTES))
    line = desk.line()
    line.receive(messages(1, 1_001))
    assert line.over is not None


def test_a_quota_of_nothing_lets_nothing_in() -> None:
    entry = Desk().worker.enter(EPOCH, PlanLimits(quota=0))
    assert isinstance(entry.try_admit(EPOCH), LimitExceeded)


def test_a_used_up_quota_refuses_new_connections_until_it_resets() -> None:
    desk = Desk(PlanLimits(quota=5, period=Period.MINUTE))
    line = desk.line()
    line.receive(messages(6))
    desk.run(1)
    assert line.over is not None
    late = desk.worker.enter(desk.clock[0], desk.plan)
    refused = late.try_admit(desk.clock[0])
    assert isinstance(refused, LimitExceeded)
    assert refused.resets_at == EPOCH + 60
    desk.clock[0] = EPOCH + 60
    assert isinstance(late.try_admit(desk.clock[0]), Renew)
    desk.sequence()
    assert late.try_admit(desk.clock[0]) is None


def test_where_messages_are_dropped_connections_are_still_let_in() -> None:
    desk = Desk(PlanLimits(quota=0, over_quota=Action.DROP))
    line = desk.line()
    line.receive(messages(4) + frame(PING, 5) + messages(1))
    assert bytes(line.passed) == frame(PING, 5)
    assert (line.limiter.skipped, line.limiter.skipped_octets) == (5, 15)


def test_every_minute_has_its_quota_whatever_came_before() -> None:
    desk = Desk(PlanLimits(quota=50, period=Period.MINUTE, over_quota=Action.DROP))
    line, passed = desk.line(), []
    for minute in range(4):
        before = admitted(line.passed)[0]
        while desk.clock[0] < EPOCH + 60 * (minute + 1) - 0.5:
            if not line.is_held:
                line.receive(messages(7))
            desk.sequence(0.5)
        passed.append(admitted(line.passed)[0] - before)
        desk.clock[0] = EPOCH + 60 * (minute + 1)
        desk.sequence()
    assert passed == [50, 50, 50, 50]


def test_what_is_not_counted_passes_freely() -> None:
    desk = Desk(PlanLimits(quota=10, counted="client"))
    line = desk.line()
    backend = Line(line.entry, desk.clock, masked=False)
    backend.receive(messages(1_000, masked=False))
    assert admitted(backend.passed)[0] == 1_000
    line.receive(messages(11))
    desk.run(1)
    assert admitted(line.passed)[0] == 10


def test_both_directions_draw_from_one_quota() -> None:
    desk = Desk(PlanLimits(quota=10))
    line = desk.line()
    backend = Line(line.entry, desk.clock, masked=False)
    line.receive(messages(6))
    desk.run(1)
    backend.receive(messages(6, masked=False))
    desk.run(1)
    assert admitted(line.passed)[0] + admitted(backend.passed)[0] == 10


def test_the_application_and_the_subscription_are_both_drawn_from() -> None:
    desk = Desk(PlanLimits(quota=100), PlanLimits.per_minute(10))
    line = desk.line()
    line.receive(messages(11))
    desk.run(1)
    assert admitted(line.passed)[0] == 10
    assert line.over is not None
    assert line.over.sentence.startswith("The application's 10 messages a minute are used up.")
    desk.worker.sequence(desk.clock[0] + 2)
    assert desk.store.used([("subscription:s:messages:day", window_at(Period.DAY, EPOCH))])[0].spent == 10


def test_control_frames_cost_nothing() -> None:
    desk = Desk(PlanLimits(quota=1))
    line = desk.line()
    line.receive(frame(PING, 100) * 50 + messages(1) + frame(PING, 100) * 50)
    desk.run(1)
    assert line.passed == line.sent


def test_a_held_message_holds_what_comes_after_it_too() -> None:
    desk = Desk(PlanLimits(rate=1, burst=1))
    line = desk.line()
    line.receive(messages(2) + frame(PING, 1) + frame(CLOSE))
    assert bytes(line.passed) == messages(1)
    desk.run(1.2)
    assert line.passed == line.sent


def test_a_ping_that_passed_before_a_held_message_is_reported_once() -> None:
    desk = Desk(PlanLimits(rate=1, burst=1))
    line = desk.line()
    line.receive(messages(1) + frame(PING, 1) + messages(1) + frame(PING, 2))
    assert [len(control.payload) for control in line.scanner.controls] == [1]
    desk.run(1.2)
    assert [len(control.payload) for control in line.scanner.controls] == [1, 2]


def test_a_fragmented_message_is_dropped_whole_and_pings_inside_it_pass() -> None:
    desk = Desk(PlanLimits(quota=1, over_quota=Action.DROP))
    line = desk.line()
    dropped = [
        frame(TEXT, 300, final=False),
        frame(PING, 2),
        frame(CONTINUATION, 0, final=False),
        frame(PING, 3),
        frame(CONTINUATION, 70_000),
    ]
    stream = messages(1) + b"".join(dropped) + frame(PING, 4)
    for at in range(0, len(stream), 97):
        line.receive(stream[at : at + 97])
        desk.sequence(0.001)
    assert bytes(line.passed) == messages(1) + frame(PING, 2) + frame(PING, 3) + frame(PING, 4)
    assert (line.limiter.skipped, line.limiter.skipped_octets) == (1, 70_300)
    assert not line.limiter.skipping


def test_a_message_that_has_begun_cannot_be_dropped_so_the_line_closes() -> None:
    desk = Desk(PlanLimits(quota=100, unit=BYTES, over_quota=Action.DROP))
    line = desk.line()
    line.receive(frame(TEXT, 60, final=False) + frame(CONTINUATION, 60))
    desk.run(1)
    assert bytes(line.passed) == frame(TEXT, 60, final=False)
    assert line.over is not None
    assert line.over.action is Action.CLOSE


def test_where_compression_needs_every_message_none_is_dropped() -> None:
    desk = Desk(PlanLimits(quota=1, over_quota=Action.DROP))
    line = desk.line(may_skip=False)
    line.receive(messages(2))
    desk.run(1)
    assert line.over is not None
    assert line.over.action is Action.CLOSE


def test_what_is_legal_before_an_error_passes_and_is_counted() -> None:
    desk = Desk(PlanLimits(quota=3))
    line = desk.line()
    line.receive(messages(2) + frame(PING, 1) + frame(3))
    desk.run(1)
    assert bytes(line.passed) == messages(2) + frame(PING, 1)
    assert line.error is not None
    assert line.error.code == 1002
    entry = desk.worker.enter(EPOCH, desk.plan)
    other = Line(entry, desk.clock)
    other.receive(messages(2))
    desk.run(1)
    assert admitted(other.passed)[0] == 1


def test_a_message_over_the_size_limit_is_an_error_not_a_charge() -> None:
    desk = Desk(PlanLimits(quota=1_000, message_bytes=10))
    line = desk.line(limit=10)
    line.receive(messages(1) + messages(1, 11))
    assert admitted(line.passed)[0] == 1
    assert line.error is not None
    assert line.error.code == 1009


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_cut_into_chunks_gives_the_same_bytes(data: st.DataObject) -> None:
    """Wherever TCP cuts the stream, what passes before the quota ends is the same."""
    stream = data.draw(streams())
    quota = data.draw(st.integers(1, 30))
    unit = data.draw(st.sampled_from([MESSAGES, BYTES]))
    action = data.draw(st.sampled_from([Action.CLOSE, Action.DROP]))
    plan = PlanLimits(quota=quota * (20 if unit == BYTES else 1), unit=unit, over_quota=action)
    results = set()
    for chunks in ([stream], data.draw(cuts(stream))):
        desk = Desk(plan)
        line = desk.line()
        for chunk in chunks:
            while line.is_held:
                desk.sequence(0.01)
            line.receive(chunk)
        desk.run(1)
        results.add((bytes(line.passed), line.over is None, line.limiter.skipped, line.limiter.skipped_octets))
    assert len(results) == 1


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Legal messages, whole and fragmented, with pings between and inside; the last may be cut off."""
    parts = []
    for sizes in draw(st.lists(st.lists(st.sampled_from([0, 1, 3, 60, 125, 126, 200]), min_size=1, max_size=4))):
        for place, size in enumerate(sizes):
            if draw(st.booleans()):
                parts.append(frame(PING, draw(st.integers(0, 3))))
            parts.append(frame(CONTINUATION if place else TEXT, size, final=place == len(sizes) - 1))
    return b"".join(parts)


@st.composite
def cuts(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    return [stream[begin:end] for begin, end in zip([0, *places], [*places, len(stream)], strict=True)]


# --- rates --------------------------------------------------------------------------------------------------


class Highway:
    """Saturated lines on several workers under one rate; time goes on in steps of two milliseconds."""

    def __init__(self, plan: PlanLimits, workers: int, lines: int = 2) -> None:
        self.clock = [EPOCH]
        self.store = MemoryStore()
        self.plan = plan
        self.workers = [SimulatedWorker(f"w{number}", self.store, EPOCH) for number in range(workers)]
        self.lines = [self.line(worker) for worker in self.workers for _ in range(lines)]

    def line(self, worker: SimulatedWorker) -> Line:
        entry = worker.enter(self.clock[0], self.plan)
        assert entry.try_admit(self.clock[0]) is None
        worker.lines.append(Line(entry, self.clock))
        return worker.lines[-1]

    def run(self, seconds: float, *, delay: float = 0.0) -> int:
        """How many messages passed. The store takes `delay` seconds to answer."""
        before, end = self.passed(), self.clock[0] + seconds
        free_at = dict.fromkeys((worker.name for worker in self.workers), 0.0)
        while self.clock[0] < end:
            self.clock[0] += 0.002
            for worker in self.workers:
                for line in worker.lines:
                    while not line.is_held and line.is_open:
                        line.receive(messages(25))
                self._turn(worker, free_at, delay)
        return self.passed() - before

    def passed(self) -> int:
        return sum(line.scanner.messages - line.limiter.skipped for line in self.lines)

    def _turn(self, worker: SimulatedWorker, free_at: dict[str, float], delay: float) -> None:
        now = self.clock[0]
        worker.lease_state.tick(now)
        if now >= free_at[worker.name] and min(worker.lease_state.asks_at(), worker.lease_state.due()) <= now + 0.1:
            worker.sequence(now)
            free_at[worker.name] = now + delay


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(("rate", "burst"), [(10, None), (100, None), (60, 1), (1000, None), (40, 20)])
def test_a_saturated_rate_is_kept_within_two_percent_and_nothing_is_lost(
    workers: int, rate: int, burst: int | None
) -> None:
    road = Highway(PlanLimits(rate=rate, burst=burst), workers)
    passed = road.run(30)
    at_once = PlanLimits(rate=rate, burst=burst).burst_messages
    assert rate * 30 * 0.98 <= passed - at_once <= rate * 30 * 1.0001 + 1
    for line in road.lines:
        assert line.sent.startswith(line.passed)
        assert admitted(line.passed)[0] > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_slow_store_does_not_slow_a_rate_down(workers: int) -> None:
    road = Highway(PlanLimits(rate=100, burst=1), workers)
    road.run(1, delay=0.04)
    assert 1_000 * 0.98 <= road.run(10, delay=0.04) <= 1_000 * 1.02


def test_lines_of_one_rate_share_it_fairly() -> None:
    road = Highway(PlanLimits(rate=100), 1, lines=10)
    road.run(20)
    counts = [admitted(line.passed)[0] for line in road.lines]
    assert max(counts) - min(counts) <= 15


@pytest.mark.parametrize("plan", [PlanLimits(quota=10_000), PlanLimits(rate=50)])
def test_nobody_who_waits_is_forgotten(plan: PlanLimits) -> None:
    """The last of what was lent goes to one who then has nothing more to send; the others still get theirs."""
    desk = Desk(plan)
    lines = [desk.line() for _ in range(20)]
    for line in lines:
        line.receive(messages(5))
    desk.run(3)
    assert all(line.passed == line.sent for line in lines)


def test_a_worker_that_dies_takes_no_more_of_a_rate_than_it_had_booked() -> None:
    road = Highway(PlanLimits(rate=100), 2)
    road.run(5)
    road.workers.pop().die()
    assert 1_000 - 100 <= road.run(10) <= 1_000 + 20


@pytest.mark.parametrize("rate", [10, 100, 1000])
@pytest.mark.parametrize("second", [1, 5, 9])
def test_workers_whose_lines_wait_for_one_rate_come_off_alike(rate: int, second: int) -> None:
    store, clock = MemoryStore(), [EPOCH]
    workers = [SimulatedWorker(name, store, EPOCH) for name in "ab"]
    lines = [Line(workers[number < second].enter(EPOCH, PlanLimits(rate=rate)), clock) for number in range(10)]
    for line in lines:
        line.receive(messages(12 * rate))
    for step in range(10_000):
        clock[0] = EPOCH + step / 1000
        for worker in workers:
            if step % 8 == 0:
                worker.sequence(clock[0])
            worker.lease_state.tick(clock[0])
    counts = [admitted(line.passed)[0] for line in lines]
    halves = sum(counts[:second]), sum(counts[second:])
    assert sum(counts) == pytest.approx(10 * rate, rel=0.03, abs=rate // 10 + 1)
    assert min(halves) > 0.35 * sum(halves)
    assert max(counts[:second]) - min(counts[:second]) <= rate // 5 + 2
    assert max(counts[second:]) - min(counts[second:]) <= rate // 5 + 2


def test_very_many_subscriptions_that_wait_for_their_rates_do_not_hold_each_other_up() -> None:
    worker, clock, lines = SimulatedWorker("a", MemoryStore(), EPOCH), [EPOCH], []
    for number in range(2000):
        clock[0] = EPOCH + number / 20_000
        lines.append(Line(worker.enter(clock[0], PlanLimits(rate=10, burst=1), who=str(number)), clock))
        lines[-1].receive(messages(100))
        if number % 10 == 0:
            worker.sequence(clock[0])
    begun = time.process_time()
    while clock[0] < EPOCH + 1.1:
        clock[0] = max(clock[0] + 0.001, min(worker.lease_state.due(), worker.lease_state.asks_at()))
        worker.sequence(clock[0])
    assert time.process_time() - begun < 2
    assert all(10 <= admitted(line.passed)[0] <= 13 for line in lines)


def test_a_flood_of_answers_to_our_pings_costs_no_more_than_other_frames() -> None:
    scanner = FrameScanner(masked=True, awaited=bytes(8))
    flood = (frame(PONG, 8) + frame(BINARY)) * 100_000
    begun, limiter, at = time.process_time(), FrameLimiter(scanner, Meter()), 0
    while at < len(flood):
        chunk = flood[at : at + 1_000_000]
        result = limiter.filter(chunk, EPOCH)
        assert result.parts == [(0, result.end)]
        at += result.end
    assert time.process_time() - begun < 3


def test_so_many_frames_are_sifted_at_once_and_no_more() -> None:
    flood = frame(TEXT, 1, final=False) + frame(CONTINUATION, 1, final=False) * 9_999
    limiter = FrameLimiter(FrameScanner(masked=True), Meter())
    at = cuts = 0
    while at < len(flood):
        result = limiter.filter(flood[at:], EPOCH)
        assert result.end == min(MOST_FRAMES * 7, len(flood) - at)
        assert result.parts == [(0, result.end)]
        at, cuts = at + result.end, cuts + result.is_cut
    assert cuts == 4


def test_a_few_messages_now_and_then_never_wait() -> None:
    desk = Desk(PlanLimits(rate=100))
    line = desk.line()
    for _ in range(50):
        desk.sequence(0.1)
        line.receive(messages(1))
        assert line.passed == line.sent
        desk.sequence()


def test_a_burst_passes_at_once_after_a_pause() -> None:
    desk = Desk(PlanLimits(rate=10, burst=30))
    line = desk.line()
    desk.run(10)
    line.receive(messages(40))
    for _ in range(5):
        desk.sequence(0.001)
    assert 30 <= admitted(line.passed)[0] <= 30 + 30 // 8
    desk.run(0.5)
    assert 34 <= admitted(line.passed)[0] <= 40


@pytest.mark.parametrize("workers", [1, 3])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_no_second_ever_has_more_than_the_rate_and_the_burst(workers: int, data: st.DataObject) -> None:
    """Whenever messages come: a worker may have one eighth of a burst ready, paid for before, and no more."""
    rate, burst = data.draw(st.sampled_from([(10, 1), (20, 8), (50, 5)]))
    road = Highway(PlanLimits(rate=rate, burst=burst), workers, lines=1)
    arrivals = data.draw(
        st.lists(st.tuples(st.integers(0, workers - 1), st.integers(1, 30), st.sampled_from([0.0, 0.01, 0.3, 2.0])))
    )
    log: list[float] = []
    unsent = [0] * workers
    for place, count, later in arrivals:
        unsent[place] += count
        end = road.clock[0] + later
        while True:
            for worker, line in zip(road.workers, road.lines, strict=True):
                before = admitted(line.passed)[0]
                if unsent[road.lines.index(line)] and not line.is_held:
                    line.receive(messages(unsent[road.lines.index(line)]))
                    unsent[road.lines.index(line)] = 0
                worker.sequence(road.clock[0])
                log += [road.clock[0]] * (admitted(line.passed)[0] - before)
            if road.clock[0] >= end:
                break
            road.clock[0] += 0.01
    most = (
        rate + burst + workers * max(1, burst // 8) + 0.35 * rate + 1
    )  # lapses a quarter second late, looked at ten times a second
    for first, moment in enumerate(log):
        assert sum(moment <= other < moment + 1 for other in log[first:]) <= most


@pytest.mark.parametrize("action", [Action.DROP, Action.CLOSE])
def test_over_the_rate_a_plan_may_drop_or_close_instead_of_waiting(action: Action) -> None:
    desk = Desk(PlanLimits(rate=20, burst=5, over_rate=action))
    line = desk.line()
    line.receive(messages(12) + frame(PING, 1))
    desk.sequence(0.001)
    desk.sequence(0.001)
    assert 5 <= admitted(line.passed)[0] <= 6
    if action is Action.CLOSE:
        assert line.over is not None
        assert line.over.sentence == "More than the subscription's 20 messages a second."
    else:
        assert line.passed.endswith(frame(PING, 1))
        assert line.limiter.skipped == 12 - admitted(line.passed)[0]


def test_a_flood_that_is_dropped_still_gets_its_rate() -> None:
    desk = Desk(PlanLimits(rate=50, over_rate=Action.DROP))
    line = desk.line()
    for _ in range(1_000):
        if not line.is_held:
            line.receive(messages(5))
        desk.sequence(0.01)
    assert 500 * 0.98 <= admitted(line.passed)[0] <= 500 * 1.02 + 5


# --- connections --------------------------------------------------------------------------------------------


class Doors:
    """Several workers at whose doors clients knock."""

    def __init__(self, plan: PlanLimits, workers: int = 2) -> None:
        self.clock = [EPOCH]
        self.store = MemoryStore()
        self.plan = plan
        self.workers = [SimulatedWorker(f"w{number}", self.store, EPOCH) for number in range(workers)]

    def try_admit(self, worker: SimulatedWorker) -> Admission | LimitExceeded:
        """Knock until let in or refused, while all workers go on."""
        entry = worker.enter(self.clock[0], self.plan)
        for _ in range(100):
            answer = entry.try_admit(self.clock[0])
            if answer is None:
                return entry
            if isinstance(answer, LimitExceeded):
                entry.leave(self.clock[0])
                return answer
            self.run(0.01)
        raise AssertionError("neither let in nor refused")

    def run(self, seconds: float) -> None:
        end = self.clock[0] + seconds
        while self.clock[0] < end:
            self.clock[0] += 0.01
            for worker in self.workers:
                worker.sequence(self.clock[0])
            if round(self.clock[0] * 100) % 20 == 0:
                for worker in self.workers:
                    worker.look_around(self.clock[0])


def test_no_more_connections_than_the_plan_allows_on_any_workers() -> None:
    doors = Doors(PlanLimits(connections=5), 3)
    answers = [doors.try_admit(doors.workers[number % 3]) for number in range(9)]
    assert sum(isinstance(answer, Admission) for answer in answers) == 5
    refused = answers[-1]
    assert isinstance(refused, LimitExceeded)
    assert refused.sentence == "The subscription's 5 connections are all in use. Close one, then try again."


def test_a_place_that_is_left_on_one_worker_is_free_on_another() -> None:
    doors = Doors(PlanLimits(connections=4))
    inside = [doors.try_admit(doors.workers[0]) for _ in range(4)]
    assert isinstance(doors.try_admit(doors.workers[1]), LimitExceeded)
    for entry in inside:
        assert isinstance(entry, Admission)
        entry.leave(doors.clock[0])
    doors.run(0.15)
    assert all(isinstance(doors.try_admit(doors.workers[1]), Admission) for _ in range(4))
    assert isinstance(doors.try_admit(doors.workers[1]), LimitExceeded)


def test_the_connections_of_a_killed_worker_are_free_again() -> None:
    doors = Doors(PlanLimits(connections=4))
    assert all(isinstance(doors.try_admit(doors.workers[0]), Admission) for _ in range(4))
    doors.workers.pop(0).bury()
    assert all(isinstance(doors.try_admit(doors.workers[0]), Admission) for _ in range(4))


def test_new_connections_a_minute_are_counted_even_when_they_close() -> None:
    doors = Doors(PlanLimits(connects=3))
    for number in range(3):
        entry = doors.try_admit(doors.workers[number % 2])
        assert isinstance(entry, Admission)
        entry.leave(doors.clock[0])
    refused = doors.try_admit(doors.workers[0])
    assert isinstance(refused, LimitExceeded)
    assert refused.resets_at == EPOCH + 60
    assert refused.sentence.startswith("The subscription's 3 new connections a minute are used up.")
    doors.clock[0] = EPOCH + 60
    assert isinstance(doors.try_admit(doors.workers[1]), Admission)


def test_whoever_is_refused_uses_up_nothing() -> None:
    doors = Doors(PlanLimits(connections=1, connects=2))
    first = doors.try_admit(doors.workers[0])
    assert isinstance(first, Admission)
    for _ in range(5):
        assert isinstance(doors.try_admit(doors.workers[0]), LimitExceeded)
    first.leave(doors.clock[0])
    doors.run(1)
    assert isinstance(doors.try_admit(doors.workers[0]), Admission)


# --- a plan that changes ------------------------------------------------------------------------------------


def test_a_raised_quota_applies_to_open_lines_with_what_was_used() -> None:
    desk = Desk(PlanLimits(quota=10, over_quota=Action.DROP))
    line = desk.line()
    line.receive(messages(15))
    desk.run(1)
    assert admitted(line.passed)[0] == 10
    desk.worker.lease_state.change("subscription:s", PlanLimits(quota=30, over_quota=Action.DROP), desk.clock[0])
    for _ in range(5):
        desk.run(0.2)
        line.receive(messages(7))
    desk.run(1)
    assert admitted(line.passed)[0] == 30


def test_a_lowered_quota_applies_to_open_lines_on_every_worker() -> None:
    crowd = Doors(PlanLimits(quota=100_000))
    entries = [crowd.try_admit(worker) for worker in crowd.workers]
    lines = [Line(entry, crowd.clock) for entry in entries if isinstance(entry, Admission)]
    for line in lines:
        line.receive(messages(200))
    crowd.run(1)
    assert crowd.store.used([("subscription:s:messages:day", window_at(Period.DAY, EPOCH))])[0].lent > 100
    crowd.plan = PlanLimits(quota=420)
    for worker in crowd.workers:
        worker.lease_state.change("subscription:s", crowd.plan, crowd.clock[0])
    for _ in range(30):
        for line in lines:
            if not line.is_held and line.is_open:
                line.receive(messages(7))
        crowd.run(0.1)
    assert sum(admitted(line.passed)[0] for line in lines) == 420


def test_a_line_without_limits_gets_them_while_it_is_open() -> None:
    desk = Desk(UNLIMITED)
    line = desk.line()
    line.receive(messages(100))
    assert line.passed == line.sent
    desk.worker.lease_state.change("subscription:s", PlanLimits(quota=10), desk.clock[0])
    line.receive(messages(20))
    desk.run(1)
    assert admitted(line.passed)[0] == 110


def test_a_line_that_waits_goes_on_when_its_limits_are_lifted() -> None:
    desk = Desk(PlanLimits(rate=1, burst=1))
    line = desk.line()
    line.receive(messages(100))
    assert line.is_held
    desk.worker.lease_state.change("subscription:s", UNLIMITED, desk.clock[0])
    assert line.passed == line.sent


def test_a_changed_rate_applies_at_once() -> None:
    road = Highway(PlanLimits(rate=1_000), 2)
    road.run(1)
    for worker in road.workers:
        worker.lease_state.change("subscription:s", PlanLimits(rate=50), road.clock[0])
    assert 490 <= road.run(10) <= 520


def test_a_plan_that_begins_to_count_connections_counts_the_open_ones() -> None:
    doors = Doors(UNLIMITED)
    inside = [doors.try_admit(worker) for worker in doors.workers for _ in range(3)]
    doors.plan = PlanLimits(connections=7)
    for worker in doors.workers:
        worker.lease_state.change("subscription:s", doors.plan, doors.clock[0])
    doors.run(0.3)
    assert isinstance(doors.try_admit(doors.workers[0]), Admission)
    assert isinstance(doors.try_admit(doors.workers[1]), LimitExceeded)
    for entry in inside:
        assert isinstance(entry, Admission)
        entry.leave(doors.clock[0])
    doors.run(0.3)
    assert isinstance(doors.try_admit(doors.workers[1]), Admission)


def test_a_plan_may_stop_counting_connections() -> None:
    doors = Doors(PlanLimits(connections=1))
    assert isinstance(doors.try_admit(doors.workers[0]), Admission)
    for worker in doors.workers:
        worker.lease_state.change("subscription:s", UNLIMITED, doors.clock[0])
    doors.plan = UNLIMITED
    doors.run(2)
    assert isinstance(doors.try_admit(doors.workers[0]), Admission)
    assert doors.store.used([("subscription:s:connections", OPEN)])[0] == (0, 0)


def test_which_direction_counts_may_change() -> None:
    desk = Desk(PlanLimits(quota=10, counted="client"))
    line = desk.line()
    backend = Line(line.entry, desk.clock, masked=False)
    backend.receive(messages(50, masked=False))
    desk.worker.lease_state.change("subscription:s", PlanLimits(quota=10), desk.clock[0])
    backend.receive(messages(50, masked=False))
    desk.run(1)
    assert admitted(backend.passed)[0] == 60


# --- leases -------------------------------------------------------------------------------------------------


def test_what_was_not_spent_returns_soon_after_the_last_connection_has_gone() -> None:
    desk = Desk(PlanLimits(quota=1_000))
    line = desk.line()
    line.receive(messages(3))
    desk.run(0.2)
    line.entry.leave(desk.clock[0])
    desk.run(2)
    assert desk.store.used([("subscription:s:messages:day", window_at(Period.DAY, EPOCH))]) == [(3, 0)]
    assert desk.worker.cells.counts == {}
    assert not desk.worker.lease_state.holds_leases


def test_a_client_that_comes_back_at_once_finds_the_lease_in_place() -> None:
    desk = Desk(PlanLimits(quota=1_000))
    for _ in range(5):
        line = desk.line()
        line.receive(messages(1))
        assert line.passed == line.sent
        line.entry.leave(desk.clock[0])
        desk.run(0.3)
    assert len(desk.worker.cells.counts) == 1


def test_a_large_lease_that_nobody_uses_shrinks() -> None:
    desk = Desk(PlanLimits(quota=16_000))
    line = desk.line()
    for _ in range(60):
        if not line.is_held:
            line.receive(messages(200))
        desk.sequence(0.02)
    place = [("subscription:s:messages:day", window_at(Period.DAY, EPOCH))]
    assert desk.store.used(place)[0].lent > 500
    desk.run(IDLE_SECONDS + 2)
    assert desk.store.used(place)[0].lent == 16


def test_of_a_large_quota_a_worker_begins_with_more() -> None:
    desk = Desk(PlanLimits(quota=50_000_000))
    desk.line().receive(messages(200))
    desk.sequence(0.02)
    place = [("subscription:s:messages:day", window_at(Period.DAY, EPOCH))]
    assert sum(desk.store.used(place)[0]) == 50_000


def test_heavy_traffic_asks_the_store_seldom() -> None:
    desk = Desk(PlanLimits(quota=10_000_000))
    line, calls = desk.line(), 0
    for _ in range(3_000):
        if not line.is_held:
            line.receive(messages(50))
        desk.clock[0] += 0.01
        desk.worker.lease_state.tick(desk.clock[0])
        if min(desk.worker.lease_state.asks_at(), desk.worker.lease_state.due()) <= desk.clock[0] + 0.1:
            calls += desk.worker.lease_state.asks_at() <= desk.clock[0]
            desk.worker.sequence(desk.clock[0])
    assert admitted(line.passed)[0] > 140_000
    assert calls < 40


def test_all_leases_go_back_when_the_worker_stops() -> None:
    desk = Desk(PlanLimits(quota=1_000, connections=10, connects=10))
    line = desk.line()
    line.receive(messages(4))
    desk.worker.lease_state.end()
    desk.sequence()
    assert [usage.lent for usage in desk.store.used(list(desk.store.windows))] == [0, 0, 0]
    assert desk.store.used([("subscription:s:messages:day", window_at(Period.DAY, EPOCH))]) == [(4, 0)]


def test_the_last_of_a_lease_goes_to_one_and_the_next_in_line_still_gets_more() -> None:
    desk = Desk(PlanLimits(quota=100_000))
    first, second = desk.line(), desk.line()
    lease = first.meter.sources[0]
    assert isinstance(lease, Quota)
    first.receive(messages(lease.unspent))
    first.receive(messages(lease.slice))
    second.receive(messages(1))
    assert first.is_held
    assert second.is_held
    desk.run(2)
    assert second.passed == second.sent


def test_two_who_each_hold_a_part_of_what_both_need_do_not_wait_for_ever() -> None:
    doors = Doors(PlanLimits(quota=1_000, unit=BYTES))
    entries = [doors.try_admit(worker) for worker in doors.workers]
    lines = [Line(entry, doors.clock) for entry in entries if isinstance(entry, Admission)]
    for line in lines:
        line.receive(messages(1, 900))
    assert all(line.is_held for line in lines)
    for _ in range(100):
        doors.clock[0] += 0.01
        for worker in doors.workers:
            worker.sequence(doors.clock[0])  # without the poll that asks others to return something
    assert sorted(admitted(line.passed)[0] for line in lines) == [0, 1]
    assert sorted(line.is_open for line in lines) == [False, True]


def test_each_period_ends_its_lease() -> None:
    desk = Desk(PlanLimits(quota=1_000, period=Period.MINUTE))
    line = desk.line()
    for minute in range(3):
        desk.clock[0] = EPOCH + 60 * minute + 1
        desk.sequence()
        line.receive(messages(20))
        desk.run(2)
    assert len(desk.worker.cells.counts) == 1
    usages = desk.store.used([place for place in desk.store.windows if place[1].start < EPOCH + 100])
    assert [usage for usage in usages if usage.spent] == [(20, 0), (20, 0)]


def test_an_answer_that_comes_after_the_period_has_ended_is_not_for_the_next_one() -> None:
    desk = Desk(PlanLimits(quota=40, period=Period.MINUTE))
    line = desk.line()
    line.receive(messages(30))
    assert line.is_held
    desk.worker.ask(desk.clock[0])
    desk.clock[0] = EPOCH + 60
    desk.worker.lease_state.tick(desk.clock[0])
    desk.worker.hear(desk.clock[0])
    assert line.meter.sources[0].unspent == 0
    desk.run(1)
    assert line.passed == line.sent
    now = [("subscription:s:messages:minute", window_at(Period.MINUTE, desk.clock[0]))]
    before = [("subscription:s:messages:minute", window_at(Period.MINUTE, EPOCH))]
    desk.run(1)
    assert desk.store.used(now)[0].spent + desk.store.used(before)[0].spent == 30


def test_what_was_promised_to_others_is_not_spent_although_more_arrives() -> None:
    desk = Desk(PlanLimits(quota=1_000))
    line = desk.line()
    line.receive(messages(10))
    desk.clock[0] += 0.2
    desk.worker.ask(desk.clock[0])
    desk.worker.lease_state.give_up([1])
    desk.worker.hear(desk.clock[0])
    assert line.meter.sources[0].unspent == 0
    desk.sequence()
    assert desk.store.used([("subscription:s:messages:day", window_at(Period.DAY, EPOCH))]) == [(10, 0)]


def test_a_lease_that_ended_while_somebody_waited_for_it_is_not_asked_for_again() -> None:
    desk = Desk(PlanLimits(quota=1_000))
    line = desk.line()
    line.receive(messages(100))
    assert line.is_held
    line.entry.forget(line.resume)
    line.entry.leave(desk.clock[0])
    for _ in range(15):
        desk.clock[0] += 0.1
        desk.worker.sequence(desk.clock[0], lose="question")
    desk.run(2)
    assert desk.worker.cells.counts == {}
    assert not any(desk.store.leases.values())


def test_a_store_that_is_away_holds_messages_and_loses_none() -> None:
    desk = Desk(PlanLimits(quota=1_000))
    line = desk.line()
    line.receive(messages(600))
    for _ in range(20):
        desk.clock[0] += 0.05
        desk.worker.sequence(desk.clock[0], lose="question")
    assert line.is_held
    desk.run(1)
    assert line.passed == line.sent


# --- usage --------------------------------------------------------------------------------------------------


def test_usage_says_what_is_used_and_left_and_when_it_resets() -> None:
    plan, application = PlanLimits(quota=100, connections=5), PlanLimits.per_minute(50)
    desk = Desk(plan, application)
    line = desk.line()
    line.receive(messages(7))
    desk.run(1.5)
    found = usage_of_subscription(desk.store, "s", plan, now=desk.clock[0])
    assert found.quota is not None
    assert (found.quota.used, found.quota.left, found.quota.limit) == (7, 93, 100)
    assert found.quota.resets_at.isoformat() == "2023-11-15T00:00:00+00:00"
    assert found.connections == 1
    of_application = usage_of_application(desk.store, "a", application, now=desk.clock[0])
    assert of_application.quota is not None
    assert of_application.quota.left == 43
    assert of_application.connections is None


def test_usage_of_nothing_is_nothing() -> None:
    store = MemoryStore()
    assert usage_of_subscription(store, "s", UNLIMITED, now=EPOCH) == PlanUsage(None, None)
    unused = usage_of_subscription(store, "s", PlanLimits(quota=5), now=EPOCH).quota
    assert unused is not None
    assert unused.left == 5


def test_usage_never_says_that_less_than_nothing_is_left() -> None:
    desk = Desk(PlanLimits(quota=100))
    line = desk.line()
    line.receive(messages(9))
    desk.run(1.5)
    lowered = usage_of_subscription(desk.store, "s", PlanLimits(quota=5), now=desk.clock[0]).quota
    assert lowered is not None
    assert lowered.left == 0


# --- many workers -------------------------------------------------------------------------------------------


class Crowd(RuleBasedStateMachine):
    """Workers that come, die and are buried, with lines that send anything at all, on a store that sometimes fails."""

    @initialize(
        quota=st.integers(1, 400),
        unit=st.sampled_from([MESSAGES, BYTES]),
        action=st.sampled_from([Action.CLOSE, Action.DROP]),
        application=st.one_of(st.none(), st.integers(1, 400)),
        seed=st.integers(0, 1 << 16),
    )
    def begin(self, quota: int, unit: str, action: Action, application: int | None, seed: int) -> None:
        self.clock = [EPOCH]
        self.store = MemoryStore()
        self.plan = PlanLimits(
            quota=quota * (50 if unit == BYTES else 1), unit=unit, period=Period.MONTH, over_quota=action
        )
        self.application = None if application is None else PlanLimits(quota=application, period=Period.MONTH)
        self.workers = [SimulatedWorker(f"w{number}", self.store, EPOCH) for number in range(3)]
        self.dead: list[SimulatedWorker] = []
        self.lines: list[tuple[SimulatedWorker, Line]] = []
        self.unsent: dict[int, bytearray] = {}
        self.born = 3
        self.chance = random.Random(seed)  # noqa: S311

    @rule(worker=st.integers(0, 2), masked=st.booleans())
    def connect(self, worker: int, masked: bool) -> None:
        if len(self.lines) < 12:
            entry = self.workers[worker].enter(self.clock[0], self.plan, application=self.application)
            line = Line(entry, self.clock, masked=masked)
            self.workers[worker].lines.append(line)
            self.lines.append((self.workers[worker], line))

    @precondition(lambda self: self.lines)
    @rule(choice=st.integers(0, 99), count=st.integers(1, 12), cut=st.integers(0, 10_000))
    def send(self, choice: int, count: int, cut: int) -> None:
        worker, line = self.lines[choice % len(self.lines)]
        if worker not in self.workers:
            return
        unsent = self.unsent.setdefault(id(line), bytearray())
        if not unsent:
            unsent += b"".join(self._message(line.masked) for _ in range(count))
        self._flow(line, cut % (len(unsent) + 1))

    @rule(worker=st.integers(0, 2), lose=st.sampled_from(["", "", "", "question", "answer"]))
    def sequence(self, worker: int, lose: str) -> None:
        self.workers[worker].sequence(self.clock[0], lose=lose)

    @rule(worker=st.integers(0, 2), lose=st.sampled_from(["", "", "answer"]))
    def ask(self, worker: int, lose: str) -> None:
        self.workers[worker].ask(self.clock[0], lose=lose)

    @rule(worker=st.integers(0, 2))
    def hear(self, worker: int) -> None:
        self.workers[worker].hear(self.clock[0])

    @rule(worker=st.integers(0, 2))
    def look_around(self, worker: int) -> None:
        self.workers[worker].look_around(self.clock[0])

    @rule(later=st.sampled_from([0.01, 0.11, 1.1, 6.0, IDLE_SECONDS + 1]))
    def wait(self, later: float) -> None:
        self.clock[0] += later

    @precondition(lambda self: self.lines)
    @rule(choice=st.integers(0, 99))
    def disconnect(self, choice: int) -> None:
        worker, line = self.lines[choice % len(self.lines)]
        if worker in self.workers and line in worker.lines:
            line.entry.forget(line.resume)
            line.entry.leave(self.clock[0])
            worker.lines.remove(line)
            line.is_held = True  # nobody reads it any more

    @rule(worker=st.integers(0, 2), at_once=st.booleans())
    def kill(self, worker: int, at_once: bool) -> None:
        dead = self.workers[worker]
        self.workers[worker] = SimulatedWorker(f"w{self.born}", self.store, self.clock[0])
        self.born += 1
        dead.die()
        self.dead.append(dead)
        if at_once:
            self._bury()

    @rule()
    def bury(self) -> None:
        self._bury()

    @invariant()
    def never_more_than_the_quota_passes(self) -> None:
        if not hasattr(self, "lines"):
            return
        total = self._total()
        assert total[self.plan.unit] <= (self.plan.quota or 0)
        if self.application:
            assert total[MESSAGES] <= (self.application.quota or 0)

    @invariant()
    def nothing_is_reordered_and_messages_are_dropped_whole(self) -> None:
        for _, line in getattr(self, "lines", ()):
            if self.plan.over_quota is Action.CLOSE:
                assert line.sent.startswith(line.passed)
            else:
                assert_only_whole_messages_are_missing(line)
            totals = line.scanner.messages - line.limiter.skipped, line.scanner.octets - line.limiter.skipped_octets
            assert totals == admitted(line.passed)

    def teardown(self) -> None:
        """When everybody who died is buried, exactly the rest of the quota can be spent."""
        if not hasattr(self, "lines"):
            return
        self._bury()
        for worker in self.workers:
            worker.look_around(self.clock[0])
            line = Line(worker.enter(self.clock[0], self.plan, application=self.application), self.clock)
            worker.lines.append(line)
            self.lines.append((worker, line))
        self._exhaust()
        self.never_more_than_the_quota_passes()
        self.nothing_is_reordered_and_messages_are_dropped_whole()
        total = self._total()
        reached = [total[self.plan.unit] == self.plan.quota]
        if self.application:
            reached.append(total[MESSAGES] == self.application.quota)
        assert any(reached)

    def _exhaust(self) -> None:
        """Messages of one byte on every line, until all have been told that there is no more."""
        refused = set[int]()
        for _ in range(3_000):
            living = [line for worker in self.workers for line in worker.lines if line.is_open]
            if all(id(line) in refused for line in living):
                return
            for line in living:
                unsent = self.unsent.setdefault(id(line), bytearray())
                if not unsent:
                    unsent += messages(self.chance.randrange(1, 40), 1, masked=line.masked)
                skipped = line.limiter.skipped
                self._flow(line, len(unsent))
                if line.limiter.skipped > skipped and not unsent:
                    refused.add(id(line))
            self.clock[0] += 0.03
            for worker in self.workers:
                worker.sequence(self.clock[0])
                if self.chance.random() < 0.2:
                    worker.look_around(self.clock[0])
        raise AssertionError("it does not come to an end")

    def _flow(self, line: Line, size: int) -> None:
        """The peer sends so many of the bytes it has, if it is read at all."""
        unsent = self.unsent[id(line)]
        if line.is_open and not line.is_held:
            line.receive(bytes(unsent[:size]))
            del unsent[:size]

    def _message(self, masked: bool) -> bytes:
        sizes = [self.chance.choice((0, 1, 5, 126, 300)) for _ in range(self.chance.choice((1, 1, 1, 2, 3)))]
        parts, fill = [], self.chance.randrange(256)
        for place, size in enumerate(sizes):
            if self.chance.random() < 0.2:
                parts.append(frame(PING, 2, masked=masked))
            opcode = CONTINUATION if place else BINARY
            parts.append(frame(opcode, size, masked=masked, final=place == len(sizes) - 1, fill=fill))
        return b"".join(parts)

    def _bury(self) -> None:
        for dead in self.dead:
            dead.bury()
        self.dead.clear()

    def _total(self) -> Counter[str]:
        total = Counter[str]()
        for _, line in self.lines:
            count, octets = admitted(line.passed)
            total += Counter({MESSAGES: count, BYTES: octets})
        return total


def assert_only_whole_messages_are_missing(line: Line) -> None:
    """What passed is what was sent, but for some messages with all their frames; every ping passed."""
    sent, passed = grouped(line.sent), grouped(line.passed)
    assert passed.pings == sent.pings[: len(passed.pings)]
    candidates = iter(sent.messages)
    for place, message in enumerate(passed.messages):
        is_last = place == len(passed.messages) - 1
        assert any(
            candidate == message or (is_last and is_beginning_of(message, candidate)) for candidate in candidates
        )


class Grouped(NamedTuple):
    messages: list[list[Frame]]
    pings: list[Frame]


def grouped(stream: bytes | bytearray) -> Grouped:
    """The messages of a stream, each with its frames, and the pings apart."""
    found = Grouped([], [])
    for each in read(stream):
        if each.opcode == PING:
            found.pings.append(each)
        elif each.opcode == CONTINUATION:
            found.messages[-1].append(each)
        else:
            found.messages.append([each])
    return found


def is_beginning_of(part: list[Frame], whole: list[Frame]) -> bool:
    *before, last = part
    if len(part) > len(whole) or before != whole[: len(before)]:
        return False
    full = whole[len(before)]
    return last[:3] == full[:3] and full.payload.startswith(last.payload)


Crowd.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestCrowd = Crowd.TestCase
