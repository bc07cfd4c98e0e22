"""Whom a change to an API or a plan would touch. The rooms above know; they register a counter each at start."""

from collections.abc import Callable

from publisher.messages import Impact
from publisher.models import Api, Plan

Counter = Callable[[Api], Impact]
PlanCounter = Callable[[Plan], int]
_counters: list[Counter] = []
_plan_counters: list[PlanCounter] = []


def register(counter: Counter) -> None:
    """Add a counter. It answers with the part of an Impact that it knows and leaves the rest at its default."""
    if counter not in _counters:
        _counters.append(counter)


def of(api: Api) -> Impact:
    """The answers of all counters together."""
    known = [counter(api) for counter in _counters]
    live = [part.live_connections for part in known if part.live_connections is not None]
    return Impact(sum(live) if live else None, sum(part.applications for part in known))


def register_plan_counter(counter: PlanCounter) -> None:
    """Add a counter of the subscriptions under a plan."""
    if counter not in _plan_counters:
        _plan_counters.append(counter)


def subscriptions_under(plan: Plan) -> int:
    """How many subscriptions are under the plan."""
    return sum(counter(plan) for counter in _plan_counters)
