"""Several workers together, whatever befalls them: never a message too many, and never one lost."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.quotas.limits import PlanLimits
from gateway.quotas.quota import IDLE_SECONDS
from publisher.plan_terms import ExceededAction, QuotaPeriod, QuotaUnit
from tests.gateway.metering_world import EPOCH, Clock, Flow, MemoryStore, Relayed, SimulatedWorker
from tests.gateway.quotas.streams import (
    BINARY,
    CONTINUATION,
    PING,
    Frame,
    admitted,
    frame,
    messages,
    read,
)


class Crowd(RuleBasedStateMachine):
    """Workers that come, die and are buried, with flows that send anything at all, on a store that sometimes fails."""

    @initialize(
        quota=st.integers(1, 400),
        unit=st.sampled_from([QuotaUnit.MESSAGES, QuotaUnit.BYTES]),
        action=st.sampled_from([ExceededAction.CLOSE, ExceededAction.DROP]),
        application=st.one_of(st.none(), st.integers(1, 400)),
        seed=st.integers(0, 1 << 16),
    )
    def begin(self, quota: int, unit: str, action: ExceededAction, application: int | None, seed: int) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        self.plan = PlanLimits(
            quota=quota * (50 if unit == QuotaUnit.BYTES else 1), unit=unit, period=QuotaPeriod.MONTH, over_quota=action
        )
        self.application = None if application is None else PlanLimits(quota=application, period=QuotaPeriod.MONTH)
        self.workers = [SimulatedWorker(f"w{number}", self.store, EPOCH) for number in range(3)]
        self.dead: list[SimulatedWorker] = []
        self.flows: list[tuple[SimulatedWorker, Flow]] = []
        self.unsent: dict[int, bytearray] = {}
        self.born = 3
        self.chance = random.Random(seed)  # noqa: S311

    @rule(worker=st.integers(0, 2), masked=st.booleans())
    def connect(self, worker: int, masked: bool) -> None:
        if len(self.flows) < 12:
            admission = self.workers[worker].enter(self.clock.now, self.plan, application=self.application)
            connection = Relayed(admission, self.clock)
            flow = connection.client if masked else connection.backend
            self.workers[worker].flows.append(flow)
            self.flows.append((self.workers[worker], flow))

    @precondition(lambda self: self.flows)
    @rule(choice=st.integers(0, 99), count=st.integers(1, 12), cut=st.integers(0, 10_000))
    def send(self, choice: int, count: int, cut: int) -> None:
        worker, flow = self.flows[choice % len(self.flows)]
        if worker not in self.workers:
            return
        unsent = self.unsent.setdefault(id(flow), bytearray())
        if not unsent:
            unsent += b"".join(self._message(flow.masked) for _ in range(count))
        self._flow(flow, cut % (len(unsent) + 1))

    @rule(worker=st.integers(0, 2), lose=st.sampled_from(["", "", "", "question", "answer"]))
    def look(self, worker: int, lose: str) -> None:
        self.workers[worker].look(self.clock.now, lose=lose)

    @rule(worker=st.integers(0, 2), lose=st.sampled_from(["", "", "answer"]))
    def ask(self, worker: int, lose: str) -> None:
        self.workers[worker].ask(self.clock.now, lose=lose)

    @rule(worker=st.integers(0, 2))
    def hear(self, worker: int) -> None:
        self.workers[worker].hear(self.clock.now)

    @rule(worker=st.integers(0, 2))
    def look_around(self, worker: int) -> None:
        self.workers[worker].look_around(self.clock.now)

    @rule(later=st.sampled_from([0.01, 0.11, 1.1, 6.0, IDLE_SECONDS + 1]))
    def wait(self, later: float) -> None:
        self.clock.now += later

    @precondition(lambda self: self.flows)
    @rule(choice=st.integers(0, 99))
    def disconnect(self, choice: int) -> None:
        worker, flow = self.flows[choice % len(self.flows)]
        if worker in self.workers and flow in worker.flows:
            flow.leave(self.clock.now)
            worker.flows.remove(flow)

    @rule(worker=st.integers(0, 2), at_once=st.booleans())
    def kill(self, worker: int, at_once: bool) -> None:
        dead = self.workers[worker]
        self.workers[worker] = SimulatedWorker(f"w{self.born}", self.store, self.clock.now)
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
        if not hasattr(self, "flows"):
            return
        total = self._total()
        assert total[self.plan.unit] <= (self.plan.quota or 0)
        if self.application:
            assert total[QuotaUnit.MESSAGES] <= (self.application.quota or 0)

    @invariant()
    def nothing_is_reordered_and_messages_are_dropped_whole(self) -> None:
        for _, flow in getattr(self, "flows", ()):
            if self.plan.over_quota is ExceededAction.CLOSE:
                assert flow.sent.startswith(flow.passed)
            else:
                assert_only_whole_messages_are_missing(flow)
            assert flow.counted == admitted(flow.passed)

    def teardown(self) -> None:
        """When everybody who died is buried, exactly the rest of the quota can be spent."""
        if not hasattr(self, "flows"):
            return
        self._bury()
        for worker in self.workers:
            worker.look_around(self.clock.now)
            flow = Relayed(worker.enter(self.clock.now, self.plan, application=self.application), self.clock).client
            worker.flows.append(flow)
            self.flows.append((worker, flow))
        self._exhaust()
        self.never_more_than_the_quota_passes()
        self.nothing_is_reordered_and_messages_are_dropped_whole()
        total = self._total()
        reached = [total[self.plan.unit] == self.plan.quota]
        if self.application:
            reached.append(total[QuotaUnit.MESSAGES] == self.application.quota)
        assert any(reached)

    def _exhaust(self) -> None:
        """Messages of one byte on every flow, until all have been told that there is no more."""
        refused = set[int]()
        for _ in range(3_000):
            living = [flow for worker in self.workers for flow in worker.flows if flow.is_open]
            if all(id(flow) in refused for flow in living):
                return
            for flow in living:
                unsent, count = self.unsent.setdefault(id(flow), bytearray()), 0
                if not unsent:
                    count = self.chance.randrange(1, 40)
                    unsent += messages(count, 1, masked=flow.masked)
                before = flow.counted[0]
                self._flow(flow, len(unsent))
                if flow.counted[0] - before < count and not (unsent or flow.is_held):
                    refused.add(id(flow))
            self.clock.now += 0.03
            for worker in self.workers:
                worker.look(self.clock.now)
                if self.chance.random() < 0.2:
                    worker.look_around(self.clock.now)
        raise AssertionError("it does not come to an end")

    def _flow(self, flow: Flow, size: int) -> None:
        """The peer sends so many of the bytes it has, if it is read at all."""
        unsent = self.unsent[id(flow)]
        if flow.is_open and not flow.is_held:
            flow.receive(bytes(unsent[:size]))
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
        for _, flow in self.flows:
            count, octets = admitted(flow.passed)
            total += Counter({QuotaUnit.MESSAGES: count, QuotaUnit.BYTES: octets})
        return total


def assert_only_whole_messages_are_missing(flow: Flow) -> None:
    """What passed is what was sent, but for some messages with all their frames; every ping passed."""
    sent, passed = grouped(flow.sent), grouped(flow.passed)
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
