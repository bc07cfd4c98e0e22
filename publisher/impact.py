"""Whom a change to an API or a plan would touch. The rooms above know; they register a counter each at start."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher.messages import Impact
from publisher.models import Api, Plan


@dataclass(frozen=True, slots=True)
class Subscribed:
    """One subscription, as the Overview tells of it."""

    application: str
    owner: str
    plan: str
    state: str
    at: datetime


Counter = Callable[[Api], Impact]
NewestReader = Callable[[Api, int], list[Subscribed]]
FamilyCounter = Callable[[Sequence[Api]], dict[str, int]]
PlanCounter = Callable[[Plan], int]
SubscriberCounter = Callable[[Api], dict[str, int]]
LiveCounter = Callable[..., dict[str, int]]
_counters: list[Counter] = []
_plan_counters: list[PlanCounter] = []
_subscriber_counters: list[SubscriberCounter] = []
_live_counters: list[LiveCounter] = []
_newest_readers: list[NewestReader] = []
_family_counters: list[FamilyCounter] = []


def register(counter: Counter) -> None:
    """Add a counter of the applications that are subscribed to an API; of its Impact only these count."""
    if counter not in _counters:
        _counters.append(counter)


def of(api: Api) -> Impact:
    """The subscribed applications, and the connections with their applications where somebody counts these."""
    live = [counter("application_id", api_id=str(api.pk)) for counter in _live_counters]
    return Impact(
        live_connections=sum(sum(each.values()) for each in live) if live else None,
        applications=sum(counter(api).applications for counter in _counters),
        live_applications=sum(map(len, live)),
    )


def among(apis: Sequence[Api]) -> dict[str, Impact]:
    """What `of` says of each of these APIs, by its id, in three questions."""
    keys = [str(api.pk) for api in apis]
    applications, live = subscriptions_among(apis), live_by("api_id", api_id__in=keys)
    live_applications = live_by("api_id", different="application_id", api_id__in=keys)
    are_counted = bool(_live_counters)
    return {key: Impact(live[key] if are_counted else None, applications[key], live_applications[key]) for key in keys}


def register_live_counter(counter: LiveCounter) -> None:
    """Add who counts open connections: `counter(by, **which)`, as `live_by` has it."""
    if counter not in _live_counters:
        _live_counters.append(counter)


def live_by(by: str, *, different: str = "pk", **which: Any) -> Counted[str]:
    """How many connections are open now, counted by `api_id`, `application_id` or `token_id`.

    `which` narrows by the same names and by `key_type`. What has none is not in it, and counts as 0. Where `different`
    is one of these names, it is counted how many different ones have connections.
    """
    found: Counted[str] = Counted()
    for counter in _live_counters:
        found.update(counter(by, different=different, **which))
    return found


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


def register_newest_reader(reader: NewestReader) -> None:
    """Add who knows the newest subscriptions to an API, at most so many, newest first."""
    if reader not in _newest_readers:
        _newest_readers.append(reader)


def newest_subscriptions(api: Api, most: int) -> list[Subscribed]:
    """Who subscribed last."""
    return [each for reader in _newest_readers for each in reader(api, most)][:most]


def register_family_counter(counter: FamilyCounter) -> None:
    """Add who counts the subscriptions to several APIs at once, by their ids."""
    if counter not in _family_counters:
        _family_counters.append(counter)


def subscriptions_among(apis: Sequence[Api]) -> Counted[str]:
    """How many subscriptions there are to each of these APIs, by its id; what has none counts as 0."""
    found: Counted[str] = Counted()
    for counter in _family_counters:
        found.update(counter(apis))
    return found
