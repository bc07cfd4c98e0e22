"""What an API may carry for all applications together, on any number of workers."""

from __future__ import annotations

from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import LimitExceeded
from publisher.plan_terms import CountedDirection, ExceededAction, QuotaPeriod, QuotaUnit
from tests.gateway.metering_world import EPOCH, Clock, Flow, MemoryStore, Relayed, SimulatedWorker
from tests.gateway.quotas.streams import admitted, messages


class SharedApi:
    """Three applications of one API on two workers, each under a plan of its own."""

    def __init__(self, api: PlanLimits, plan: PlanLimits | None = None) -> None:
        self.clock = Clock()
        store = MemoryStore()
        self.workers = [SimulatedWorker(name, store, EPOCH) for name in "ab"]
        self.api, self.plan = api, plan or PlanLimits()
        self.connections = [self.connect(number) for number in range(3)]

    def connect(self, number: int) -> Relayed:
        worker = self.workers[number % 2]
        admission = worker.enter(self.clock.now, self.plan, who=str(number), api=self.api)
        for _ in range(5):
            if (blocked := admission.try_admit(self.clock.now)) is None:
                break
            assert not isinstance(blocked, LimitExceeded)
            self.run(0.05)
        return Relayed(admission, self.clock)

    def run(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += 0.01
            for worker in self.workers:
                worker.look(self.clock.now)
                worker.look_around(self.clock.now)

    @property
    def clients(self) -> list[Flow]:
        return [each.client for each in self.connections]

    def passed(self) -> int:
        return sum(admitted(flow.passed)[0] for flow in self.clients)


def test_the_messages_of_all_applications_together_keep_to_the_rate_and_wait() -> None:
    api = SharedApi(PlanLimits(rate=100))
    for flow in api.clients:
        flow.receive(messages(1000))
    api.run(10)
    assert 950 <= api.passed() <= 1_020
    assert all(flow.is_open for flow in api.clients)


def test_the_bytes_of_all_applications_together_never_exceed_the_quota_and_who_is_over_it_is_told() -> None:
    api = SharedApi(PlanLimits(quota=10_000, unit=QuotaUnit.BYTES, period=QuotaPeriod.MINUTE))
    for flow in api.clients:
        flow.receive(messages(100, 50))
    api.run(3)
    assert 9_900 <= 50 * api.passed() <= 10_000
    assert 4003 in {flow.code for flow in api.clients}
    assert "The API's 10,000 bytes a minute" in next(flow.reason for flow in api.clients if flow.reason)
    late = api.workers[0].enter(api.clock.now, api.plan, who="9", api=api.api)
    assert isinstance(late.try_admit(api.clock.now), LimitExceeded)


def test_both_directions_count_for_the_api_whatever_the_plan_counts() -> None:
    plan = PlanLimits(counted=CountedDirection.CLIENT)
    api = SharedApi(PlanLimits(quota=10, unit=QuotaUnit.MESSAGES, over_quota=ExceededAction.DROP), plan)
    backend = api.connections[0].backend
    backend.receive(messages(20, masked=False))
    api.run(1)
    assert admitted(backend.passed)[0] == 10


def test_the_limits_change_for_open_connections_too() -> None:
    api = SharedApi(PlanLimits())
    account = "api:s:PRODUCTION"
    for worker in api.workers:
        worker.lease_state.change(account, PlanLimits(quota=5), api.clock.now)
    api.run(0.5)
    for flow in api.clients:
        flow.receive(messages(5))
    api.run(2)
    assert api.passed() == 5
