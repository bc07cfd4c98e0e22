"""Whom a change to an API or a plan would touch. The rooms above know; they register a counter each at start."""

from collections import Counter as Counted
from collections.abc import Callable
from functools import partial

from publisher.messages import Impact
from publisher.models import Api, Plan

Counter = Callable[[Api], Impact]
PlanCounter = Callable[[Plan], int]
SubscriberCounter = Callable[[Api], dict[str, int]]
LiveCounter = Callable[..., dict[str, int]]
_counters: list[Counter] = []
_plan_counters: list[PlanCounter] = []
_subscriber_counters: list[SubscriberCounter] = []
_live_counters: list[LiveCounter] = []


def register(counter: Counter) -> None:
    """Add a counter. It answers with the part of an Impact that it knows and leaves the rest at its default."""
    if counter not in _counters:
        _counters.append(counter)


def of(api: Api) -> Impact:
    """The answers of all counters together."""
    known = [counter(api) for counter in _counters]
    live = [part for part in known if part.live_connections is not None]
    return Impact(
        sum(part.live_connections or 0 for part in live) if live else None,
        sum(part.applications for part in known),
        sum(part.live_applications for part in live),
    )


def register_live_counter(counter: LiveCounter) -> None:
    """Add who counts open connections: `counter(by, **which)`, as `live_by` has it."""
    if counter not in _live_counters:
        _live_counters.append(counter)
        register(partial(_live_of, counter))


def live_by(by: str, **which: str) -> Counted[str]:
    """How many connections are open now, counted by `api_id`, `application_id` or `token_id`.

    `which` narrows by the same names and by `key_type`. What has none is not in it, and counts as 0.
    """
    found: Counted[str] = Counted()
    for counter in _live_counters:
        found.update(counter(by, **which))
    return found


def _live_of(counter: LiveCounter, api: Api) -> Impact:
    live = counter("application_id", api_id=str(api.pk))
    return Impact(live_connections=sum(live.values()), live_applications=len(live))


def register_subscriber_counter(counter: SubscriberCounter) -> None:
    """Add a counter of an API's subscriptions by the name of their plan."""
    if counter not in _subscriber_counters:
        _subscriber_counters.append(counter)


def subscriptions_to(api: Api) -> Counted[str]:
    """How many subscriptions to the API there are under each plan, by its name."""
    found: Counted[str] = Counted()
    for counter in _subscriber_counters:
        found.update(counter(api))
    return found


def register_plan_counter(counter: PlanCounter) -> None:
    """Add a counter of the subscriptions under a plan."""
    if counter not in _plan_counters:
        _plan_counters.append(counter)


def subscriptions_under(plan: Plan) -> int:
    """How many subscriptions are under the plan."""
    return sum(counter(plan) for counter in _plan_counters)
