"""Whom a change to an API or a plan would touch. The rooms above know; they register what they read with at start."""

from __future__ import annotations

from collections import Counter as Counted
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

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


class Readers(TypedDict, total=False):
    """What a room may know.

    `applications`: how many are subscribed to an API. `under`: how many subscriptions are under a plan. `by_plan`:
    those to an API by the name of their plan. `by_api`: those to several APIs by their ids. `newest`: the newest ones
    to an API, at most so many, newest first. `live`: the open connections, as `live_by` has them.
    """

    applications: Callable[[Api], int]
    under: Callable[[Plan], int]
    by_plan: Callable[[Api], dict[str, int]]
    by_api: Callable[[Sequence[Api]], dict[str, int]]
    newest: Callable[[Api, int], list[Subscribed]]
    live: Callable[..., dict[str, int]]


registered: defaultdict[str, list[Callable[..., Any]]] = defaultdict(list)


def register(**readers: Unpack[Readers]) -> None:
    """Add what a room knows; the same reader counts once."""
    for name, reader in readers.items():
        if reader not in registered[name]:
            registered[name].append(reader)  # type: ignore[arg-type]


def of(api: Api) -> Impact:
    """The subscribed applications, and the connections with their applications where somebody counts these."""
    live = [counter("application_id", api_id=str(api.pk)) for counter in registered["live"]]
    return Impact(
        live_connections=sum(sum(each.values()) for each in live) if live else None,
        applications=sum(counter(api) for counter in registered["applications"]),
        live_applications=sum(map(len, live)),
    )


def among(apis: Sequence[Api]) -> dict[str, Impact]:
    """What `of` says of each of these APIs, by its id, in three questions."""
    keys = [str(api.pk) for api in apis]
    applications, live = subscriptions_among(apis), live_by("api_id", api_id__in=keys)
    live_applications = live_by("api_id", different="application_id", api_id__in=keys)
    are_counted = bool(registered["live"])
    return {key: Impact(live[key] if are_counted else None, applications[key], live_applications[key]) for key in keys}


def live_by(by: str, *, different: str = "pk", **which: Any) -> Counted[str]:
    """How many connections are open now, counted by `api_id`, `application_id` or `token_id`.

    `which` narrows by the same names and by `key_type`. What has none is not in it, and counts as 0. Where `different`
    is one of these names, it is counted how many different ones have connections.
    """
    return _together(counter(by, different=different, **which) for counter in registered["live"])


def subscriptions_to(api: Api) -> Counted[str]:
    """How many subscriptions to the API there are under each plan, by its name."""
    return _together(counter(api) for counter in registered["by_plan"])


def subscriptions_among(apis: Sequence[Api]) -> Counted[str]:
    """How many subscriptions there are to each of these APIs, by its id; what has none counts as 0."""
    return _together(counter(apis) for counter in registered["by_api"])


def subscriptions_under(plan: Plan) -> int:
    """How many subscriptions are under the plan."""
    return sum(counter(plan) for counter in registered["under"])


def newest_subscriptions(api: Api, most: int) -> list[Subscribed]:
    """Who subscribed last."""
    return [each for reader in registered["newest"] for each in reader(api, most)][:most]


def _together(counts: Iterable[dict[str, int]]) -> Counted[str]:
    found: Counted[str] = Counted()
    for each in counts:
        found.update(each)
    return found
