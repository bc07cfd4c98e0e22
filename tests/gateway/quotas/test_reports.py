"""A worker with very many quotas in use tells the store of some at a time, and asks at once for what is needed."""

from __future__ import annotations

from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import Renew
from gateway.quotas.rounds import MOST_LOOKS, TICK_SECONDS
from gateway.quotas.rules import LeaseRequest
from gateway.quotas.state import MOST_REPORTS, LeaseState, PlanOf
from tests.gateway.metering_world import EPOCH, ListCells, MemoryStore

MANY = 2 * MOST_LOOKS


class BusyWorker:
    """A worker with an open connection of each of many subscriptions."""

    def __init__(self, subscriptions: int) -> None:
        self.now = EPOCH
        self.store = MemoryStore()
        self.state = LeaseState(ListCells(), lambda: None)
        plan = PlanLimits(quota=10_000)
        self.admissions = [
            self.state.enter(subscription=PlanOf(f"s{number}", plan), application=None, now=self.now)
            for number in range(subscriptions)
        ]
        for admission in self.admissions:
            assert isinstance(admission.try_admit(self.now), Renew)
        self.step()
        assert all(admission.try_admit(self.now) is None for admission in self.admissions)

    def step(self) -> list[LeaseRequest]:
        """Let a tick pass, and serve what is asked."""
        self.now += TICK_SECONDS
        self.state.tick(self.now)
        batch = self.state.collect(self.now)
        requests = [request for _, request in batch.requests]
        self.state.apply(batch, self.store.exchange("me", requests, self.now), [], self.now)
        return requests

    def told(self) -> int:
        """How much the store was told of as spent."""
        return sum(lease.spent for leases in self.store.leases.values() for lease in leases.values())


def test_of_many_quotas_some_are_reported_in_a_tick_and_all_in_turn_while_each_goes_on() -> None:
    worker = BusyWorker(MANY)
    for _ in range(40):  # what is lent at first lasts for long
        worker.step()
    for admission in worker.admissions:
        assert admission.client.take(1, 1)
    most, ticks = 0, 0
    while worker.told() < MANY:
        most = max(most, sum(not (request.least or request.most) for request in worker.step()))
        ticks += 1
        assert ticks < 3 * MANY / MOST_REPORTS, "some are never reported"
    assert most <= MOST_REPORTS


def test_what_somebody_needs_is_asked_for_at_once_however_much_is_to_be_reported() -> None:
    worker = BusyWorker(MANY)
    for _ in range(20):
        worker.step()
    for admission in worker.admissions:
        assert admission.client.take(1, 1)
    (first, *_), last = worker.admissions, worker.admissions[-1]
    for needy in (first, last):
        while needy.client.take(1, 1):
            pass
        assert isinstance(needy.client.blocked(1, 1, worker.now), Renew)
    assert len([request for request in worker.step() if request.least]) == 2
    assert first.client.take(1, 1)
    assert last.client.take(1, 1)


def test_a_few_quotas_are_reported_every_second() -> None:
    worker = BusyWorker(3)
    for round_ in range(1, 4):
        for admission in worker.admissions:
            assert admission.client.take(1, 1)
        for _ in range(12):
            worker.step()
        assert worker.told() == 3 * round_
