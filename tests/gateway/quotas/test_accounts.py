"""On what a plan is counted: an application's use of an API, whatever subscription, plan or keys it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from gateway.models import QuotaWindow
from gateway.quotas.limits import PlanLimits, Window, window_at
from gateway.quotas.meter import LimitExceeded
from gateway.quotas.rules import LeaseStore, WindowUsage, api_account, carried_over, quota_key
from gateway.quotas.stores.database import DatabaseLeaseStore
from gateway.quotas.usage import usages_of
from publisher.plan_terms import QuotaPeriod, QuotaUnit
from tests.gateway.metering_world import EPOCH, Clock, Relayed, SimulatedWorker
from tests.gateway.quotas.streams import admitted, messages

MINUTE, HOUR, DAY, MONTH = QuotaPeriod.MINUTE, QuotaPeriod.HOUR, QuotaPeriod.DAY, QuotaPeriod.MONTH
ACCOUNT = api_account("a", "s")


class Hopping:
    """An application on two workers that takes one plan after the other of the same API."""

    def __init__(self, store: LeaseStore) -> None:
        self.clock = Clock()
        self.store = store
        self.workers = [SimulatedWorker(name, store, EPOCH) for name in "ab"]

    def send(self, plan: PlanLimits, count: int, worker: int = 0) -> int:
        """Connect under a plan, send so many messages and go; how many passed."""
        admission = self.workers[worker].enter(self.clock.now, plan)
        for _ in range(100):
            blocked = admission.try_admit(self.clock.now)
            if blocked is None:
                break
            if isinstance(blocked, LimitExceeded):
                admission.leave(self.clock.now)
                return 0
            self.run(0.05)
        flow = Relayed(admission, self.clock).client
        flow.receive(messages(count))
        self.run(2.0)
        admission.leave(self.clock.now)
        return admitted(flow.passed)[0]

    def run(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += 0.05
            for worker in self.workers:
                worker.look(self.clock.now)
                worker.look_around(self.clock.now)

    def used(self, plan: PlanLimits) -> int:
        quota = usages_of(self.store, [(ACCOUNT, plan)], now=self.clock.now)[0].quota
        assert quota is not None
        return quota.used


def test_what_was_used_counts_against_another_plan_of_the_same_unit_and_period(store: LeaseStore) -> None:
    world = Hopping(store)
    assert world.send(PlanLimits(quota=100), 60) == 60
    assert world.used(PlanLimits(quota=80)) == 60
    assert world.send(PlanLimits(quota=80), 50) == 20
    assert world.send(PlanLimits(quota=100), 50, worker=1) == 20
    assert world.send(PlanLimits(quota=80), 50, worker=1) == 0


def test_whoever_subscribes_anew_goes_on_where_it_was_after_a_while_too(store: LeaseStore) -> None:
    world = Hopping(store)
    assert world.send(PlanLimits(quota=100), 70) == 70
    world.run(5)
    assert world.send(PlanLimits(quota=100), 70, worker=1) == 30


def test_a_plan_of_a_longer_period_begins_with_what_was_used_in_shorter_ones(store: LeaseStore) -> None:
    world = Hopping(store)
    assert world.send(PlanLimits(quota=50, period=MINUTE), 50) == 50
    world.run(5)
    assert world.used(PlanLimits(quota=120, period=HOUR)) == 50, "also before anything was sent under it"
    assert world.send(PlanLimits(quota=120, period=HOUR), 30, worker=1) == 30
    world.run(5)
    assert world.used(PlanLimits(quota=120, period=HOUR)) == 80
    assert world.send(PlanLimits(quota=100, period=DAY), 100) == 20
    world.run(5)
    assert world.send(PlanLimits(quota=130, period=MONTH), 100) == 30


def test_a_plan_that_is_gone_back_to_is_as_it_was_left(store: LeaseStore) -> None:
    world = Hopping(store)
    assert world.send(PlanLimits(quota=100, period=DAY), 100) == 100
    assert world.send(PlanLimits(quota=1000, unit=QuotaUnit.BYTES, period=DAY), 10) == 10
    assert world.send(PlanLimits(quota=10, period=HOUR), 10) == 10
    assert world.send(PlanLimits(quota=100, period=DAY), 1) == 0


def test_another_api_and_another_application_have_quotas_of_their_own(store: LeaseStore) -> None:
    world = Hopping(store)
    assert world.send(PlanLimits(quota=10), 10) == 10
    other = world.workers[0].enter(world.clock.now, PlanLimits(quota=10), who="other")
    world.run(0.2)
    assert other.try_admit(world.clock.now) is None
    assert api_account("a", "b") != api_account("b", "a")


# --- what is carried over -----------------------------------------------------------------------------------


def used_of(amounts: Mapping[tuple[QuotaPeriod, float], int], asked: list[str] | None = None):  # type: ignore[no-untyped-def]
    """A store in which so much was used in the periods that these moments lie in."""
    found = {(quota_key(ACCOUNT, PlanLimits(period=p)), window_at(p, at)): n for (p, at), n in amounts.items()}

    def used(places: Sequence[tuple[str, Window]]) -> list[WindowUsage]:
        if asked is not None:
            asked.extend(key for key, _ in places)
        return [WindowUsage(found.get(place, 0), 0) for place in places]

    return used


def carried(amounts: Mapping[tuple[QuotaPeriod, float], int], into: QuotaPeriod, now: float) -> int:
    key = quota_key(ACCOUNT, PlanLimits(period=into))
    return carried_over(used_of(amounts), key, window_at(into, now), now)


NOON = 1_700_049_600.0  # 15 November 2023, 12:00 UTC


def test_hours_of_a_day_and_days_of_a_month_are_added() -> None:
    hours = {(HOUR, NOON - 3600): 5, (HOUR, NOON): 7}
    assert carried(hours, DAY, NOON + 60) == 12
    days = {(DAY, NOON - 86400 * back): 10 for back in range(10)}
    assert carried(days, MONTH, NOON) == 100


def test_what_lies_outside_the_period_does_not_count() -> None:
    assert carried({(HOUR, NOON - 86400): 5}, DAY, NOON) == 0
    assert carried({(DAY, NOON - 86400 * 20): 5}, MONTH, NOON) == 0


def test_an_hour_that_began_with_its_minutes_is_not_counted_twice() -> None:
    assert carried({(MINUTE, NOON): 4, (HOUR, NOON): 9}, DAY, NOON + 60) == 9
    assert carried({(MINUTE, NOON): 9, (HOUR, NOON): 4}, DAY, NOON + 60) == 9
    assert carried({(MINUTE, NOON): 9, (HOUR, NOON - 7200): 4, (DAY, NOON): 20}, MONTH, NOON + 60) == 20


@pytest.mark.parametrize("period", list(QuotaPeriod))
def test_nothing_is_carried_from_a_longer_period_or_the_same(period: QuotaPeriod) -> None:
    longer = {(each, NOON): 50 for each in list(QuotaPeriod)[list(QuotaPeriod).index(period) :]}
    assert carried(longer, period, NOON) == 0


def test_new_connections_a_minute_begin_with_nothing() -> None:
    asked = list[str]()
    assert carried_over(used_of({}, asked), f"{ACCOUNT}:connects", window_at(HOUR, NOON), NOON) == 0
    assert asked == []


@pytest.mark.django_db
def test_the_database_keeps_windows_as_long_as_a_longer_one_may_begin_with_them() -> None:
    for period in QuotaPeriod:
        start, end = window_at(period, EPOCH)
        QuotaWindow.objects.create(key=f"{ACCOUNT}:messages:{period}", begins=start, ends=end, granted=1)

    def left(now: float) -> set[str]:
        DatabaseLeaseStore().expire(now)
        return {key.rpartition(":")[2] for key in QuotaWindow.objects.values_list("key", flat=True)}

    ends = {period: window_at(period, EPOCH).end for period in QuotaPeriod}
    assert left(ends[MINUTE] + 3599) == {"minute", "hour", "day", "month"}
    assert left(ends[MINUTE] + 3601) == {"hour", "day", "month"}
    assert left(ends[HOUR] + 86401) == {"day", "month"}
    assert left(ends[DAY] + 31 * 86400 + 1) == set()
