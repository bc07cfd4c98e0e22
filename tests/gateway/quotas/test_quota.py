"""A quota on the frame path of one worker, to the message and the byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.quotas.limits import PlanLimits, window_at
from gateway.quotas.meter import LimitExceeded, Renew
from publisher.plan_terms import ExceededAction, QuotaPeriod, QuotaUnit
from tests.gateway.metering_world import EPOCH, Relayed
from tests.gateway.quotas.streams import (
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    admitted,
    frame,
    messages,
)
from tests.gateway.quotas.worlds import OneWorker


def test_a_quota_ends_with_its_last_message_and_says_when_there_is_more() -> None:
    world = OneWorker(PlanLimits(quota=20))
    flow = world.connect()
    for _ in range(10):
        if not flow.is_held and flow.is_open:
            flow.receive(messages(3))
        world.step(0.01)
    assert admitted(flow.passed)[0] == 20
    assert not flow.is_open
    assert flow.reason == ("The subscription's 20 messages a day are used up. There is more from 2023-11-15 00:00 UTC.")


def test_a_quota_of_bytes_says_that_a_message_finds_no_room() -> None:
    world = OneWorker(PlanLimits(quota=1_000, unit=QuotaUnit.BYTES))
    flow = world.connect()
    flow.receive(messages(2, 400))
    world.run(1)
    flow.receive(messages(1, 201))
    world.run(1)
    assert not flow.is_open
    assert "1,000 bytes a day have no room for this message" in flow.reason
    assert len(flow.reason.encode()) <= 123
    other = world.connect()
    other.receive(messages(1, 200))
    world.run(1)
    assert admitted(other.passed) == (1, 200)


def test_a_message_larger_than_the_whole_quota_is_over_at_once() -> None:
    world = OneWorker(PlanLimits(quota=1_000, unit=QuotaUnit.BYTES))
    flow = world.connect()
    flow.receive(messages(1, 1_001))
    assert not flow.is_open


def test_a_quota_of_nothing_lets_nothing_in() -> None:
    admission = OneWorker().worker.enter(EPOCH, PlanLimits(quota=0))
    assert isinstance(admission.try_admit(EPOCH), LimitExceeded)


def test_a_used_up_quota_refuses_new_connections_until_it_resets() -> None:
    world = OneWorker(PlanLimits(quota=5, period=QuotaPeriod.MINUTE))
    flow = world.connect()
    flow.receive(messages(6))
    world.run(1)
    assert not flow.is_open
    late = world.worker.enter(world.clock.now, world.plan)
    refused = late.try_admit(world.clock.now)
    assert isinstance(refused, LimitExceeded)
    assert refused.resets_at == EPOCH + 60
    world.clock.now = EPOCH + 60
    assert isinstance(late.try_admit(world.clock.now), Renew)
    world.step()
    assert late.try_admit(world.clock.now) is None


def test_where_messages_are_dropped_connections_are_still_let_in() -> None:
    world = OneWorker(PlanLimits(quota=0, over_quota=ExceededAction.DROP))
    flow = world.connect()
    flow.receive(messages(4) + frame(PING, 5) + messages(1))
    assert bytes(flow.passed) == frame(PING, 5)
    assert flow.counted == (0, 0)


def test_every_minute_has_its_quota_whatever_came_before() -> None:
    world = OneWorker(PlanLimits(quota=50, period=QuotaPeriod.MINUTE, over_quota=ExceededAction.DROP))
    flow, passed = world.connect(), []
    for minute in range(4):
        before = admitted(flow.passed)[0]
        while world.clock.now < EPOCH + 60 * (minute + 1) - 0.5:
            if not flow.is_held:
                flow.receive(messages(7))
            world.step(0.5)
        passed.append(admitted(flow.passed)[0] - before)
        world.clock.now = EPOCH + 60 * (minute + 1)
        world.step()
    assert passed == [50, 50, 50, 50]


def test_what_is_not_counted_passes_freely() -> None:
    world = OneWorker(PlanLimits(quota=10, counted="client"))
    flow = world.connect()
    backend = flow.connection.backend
    backend.receive(messages(1_000, masked=False))
    assert admitted(backend.passed)[0] == 1_000
    flow.receive(messages(11))
    world.run(1)
    assert admitted(flow.passed)[0] == 10


def test_both_directions_draw_from_one_quota() -> None:
    world = OneWorker(PlanLimits(quota=10))
    flow = world.connect()
    backend = flow.connection.backend
    flow.receive(messages(6))
    world.run(1)
    backend.receive(messages(6, masked=False))
    world.run(1)
    assert admitted(flow.passed)[0] + admitted(backend.passed)[0] == 10


def test_the_application_and_the_subscription_are_both_drawn_from() -> None:
    world = OneWorker(PlanLimits(quota=100), PlanLimits.per_minute(10))
    flow = world.connect()
    flow.receive(messages(11))
    world.run(1)
    assert admitted(flow.passed)[0] == 10
    assert not flow.is_open
    assert flow.reason.startswith("The application's 10 messages a minute are used up.")
    world.worker.look(world.clock.now + 2)
    assert world.store.used([("application:a:api:s:messages:day", window_at(QuotaPeriod.DAY, EPOCH))])[0].spent == 10


def test_control_frames_cost_nothing() -> None:
    world = OneWorker(PlanLimits(quota=1))
    flow = world.connect()
    flow.receive(frame(PING, 100) * 50 + messages(1) + frame(PING, 100) * 50)
    world.run(1)
    assert flow.passed == flow.sent


def test_a_held_message_holds_what_comes_after_it_too() -> None:
    world = OneWorker(PlanLimits(rate=1, burst=1))
    flow = world.connect()
    flow.receive(messages(2) + frame(PING, 1) + frame(CLOSE))
    assert bytes(flow.passed) == messages(1)
    world.run(1.2)
    assert flow.passed == flow.sent


def test_a_ping_that_passed_before_a_held_message_passes_once() -> None:
    world = OneWorker(PlanLimits(rate=1, burst=1))
    flow = world.connect()
    flow.receive(messages(1) + frame(PING, 1) + messages(1) + frame(PING, 2))
    assert flow.passed == messages(1) + frame(PING, 1)
    world.run(1.2)
    assert flow.passed == flow.sent


def test_a_fragmented_message_is_dropped_whole_and_pings_inside_it_pass() -> None:
    world = OneWorker(PlanLimits(quota=1, over_quota=ExceededAction.DROP))
    flow = world.connect()
    dropped = [
        frame(TEXT, 300, final=False),
        frame(PING, 2),
        frame(CONTINUATION, 0, final=False),
        frame(PING, 3),
        frame(CONTINUATION, 70_000),
    ]
    stream = messages(1) + b"".join(dropped) + frame(PING, 4)
    for at in range(0, len(stream), 97):
        flow.receive(stream[at : at + 97])
        world.step(0.001)
    assert bytes(flow.passed) == messages(1) + frame(PING, 2) + frame(PING, 3) + frame(PING, 4)
    assert flow.counted == (1, 3)
    flow.receive(frame(PING, 5))
    assert bytes(flow.passed).endswith(frame(PING, 4) + frame(PING, 5)), "nothing is left out any more"


def test_a_message_that_has_begun_cannot_be_dropped_so_the_connection_closes() -> None:
    world = OneWorker(PlanLimits(quota=100, unit=QuotaUnit.BYTES, over_quota=ExceededAction.DROP))
    flow = world.connect()
    flow.receive(frame(TEXT, 60, final=False) + frame(CONTINUATION, 60))
    world.run(1)
    assert bytes(flow.passed) == frame(TEXT, 60, final=False)
    assert not flow.is_open
    assert flow.code == 4003


def test_where_compression_needs_every_message_none_is_dropped() -> None:
    world = OneWorker(PlanLimits(quota=1, over_quota=ExceededAction.DROP))
    flow = world.connect(may_skip=False)
    flow.receive(messages(2))
    world.run(1)
    assert not flow.is_open
    assert flow.code == 4003


def test_what_is_legal_before_an_error_passes_and_is_counted() -> None:
    world = OneWorker(PlanLimits(quota=3))
    flow = world.connect()
    flow.receive(messages(2) + frame(PING, 1) + frame(3))
    world.run(1)
    assert bytes(flow.passed) == messages(2) + frame(PING, 1)
    assert flow.code == 1002
    admission = world.worker.enter(EPOCH, world.plan)
    other = Relayed(admission, world.clock).client
    other.receive(messages(2))
    world.run(1)
    assert admitted(other.passed)[0] == 1


def test_a_message_over_the_size_limit_is_an_error_not_a_charge() -> None:
    world = OneWorker(PlanLimits(quota=1_000, message_bytes=10))
    flow = world.connect(limit=10)
    flow.receive(messages(1) + messages(1, 11))
    assert admitted(flow.passed)[0] == 1
    assert flow.code == 1009


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_cut_into_chunks_gives_the_same_bytes(data: st.DataObject) -> None:
    """Wherever TCP cuts the stream, what passes before the quota ends is the same."""
    stream = data.draw(streams())
    quota = data.draw(st.integers(1, 30))
    unit = data.draw(st.sampled_from([QuotaUnit.MESSAGES, QuotaUnit.BYTES]))
    action = data.draw(st.sampled_from([ExceededAction.CLOSE, ExceededAction.DROP]))
    plan = PlanLimits(quota=quota * (20 if unit == QuotaUnit.BYTES else 1), unit=unit, over_quota=action)
    results = set()
    for chunks in ([stream], data.draw(cuts(stream))):
        world = OneWorker(plan)
        flow = world.connect()
        for chunk in chunks:
            while flow.is_held:
                world.step(0.01)
            flow.receive(chunk)
        world.run(1)
        results.add((bytes(flow.passed), flow.is_open, flow.counted))
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
