"""What is used of a plan and left."""

from __future__ import annotations

from gateway.quotas.limits import UNLIMITED, PlanLimits
from gateway.quotas.rules import api_account, application_account
from gateway.quotas.usage import PlanUsage, usages_of
from tests.gateway.metering_world import EPOCH, MemoryStore
from tests.gateway.quotas.streams import (
    messages,
)
from tests.gateway.quotas.worlds import OneWorker

ACCOUNT = api_account("a", "s")


def test_usage_says_what_is_used_and_left_and_when_it_resets() -> None:
    plan, application = PlanLimits(quota=100, connections=5), PlanLimits.per_minute(50)
    world = OneWorker(plan, application)
    flow = world.connect()
    flow.receive(messages(7))
    world.run(1.5)
    found = usages_of(world.store, [(ACCOUNT, plan)], now=world.clock.now)[0]
    assert found.quota is not None
    assert (found.quota.used, found.quota.left, found.quota.limit) == (7, 93, 100)
    assert found.quota.resets_at.isoformat() == "2023-11-15T00:00:00+00:00"
    assert found.connections == 1
    of_application = usages_of(world.store, [(application_account("a"), application)], now=world.clock.now)[0]
    assert of_application.quota is not None
    assert of_application.quota.left == 43
    assert of_application.connections is None


def test_usage_of_nothing_is_nothing() -> None:
    store = MemoryStore()
    assert usages_of(store, [(ACCOUNT, UNLIMITED)], now=EPOCH)[0] == PlanUsage(None, None)
    unused = usages_of(store, [(ACCOUNT, PlanLimits(quota=5))], now=EPOCH)[0].quota
    assert unused is not None
    assert unused.left == 5


def test_usage_never_says_that_less_than_nothing_is_left() -> None:
    world = OneWorker(PlanLimits(quota=100))
    flow = world.connect()
    flow.receive(messages(9))
    world.run(1.5)
    lowered = usages_of(world.store, [(ACCOUNT, PlanLimits(quota=5))], now=world.clock.now)[0].quota
    assert lowered is not None
    assert lowered.left == 0
