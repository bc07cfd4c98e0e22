"""Slices of a plan, lent to gateway workers; one module, for what a store promises and its terms belong together. Pure.

A *window* is one period of one quota, shared by every worker of every host. A *lease* is what one worker (the
*holder*) took of it. A worker spends its lease without asking anybody; a store only sees to it that

    what was spent for good  +  what is lent out  <=  the limit

at every moment, whoever crashes. The terms are `decide` and `schedule`; the engines (`database`, `redis`) make them
atomic. A window without an end counts what is open now (connections): what its holder had, ends with its holder.

Every call may be repeated: when an answer was lost, asking again does no harm.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.quotas.limits import PlanLimits, Window
from publisher.plan_terms import QuotaPeriod

LIVING_SECONDS = 10.0
"""A holder that was not seen for so long is not waited for."""
GONE_SECONDS = 30.0
"""A holder that was not seen for so long has no connections any more."""
SETTLED_SECONDS = 3600.0
"""A holder that was not seen for so long is not expected to return anything."""
PRESSING_SECONDS = 1.0
"""For so long after somebody was refused, holders of the window are asked to return what they do not need."""
HORIZON_SECONDS = 1.0
"""How far ahead of their time messages of a rate may be reserved."""
CLOCK_SECONDS = 5.0
"""A rate reserved further ahead than the horizon and this was reserved by a clock that has been set back since."""


class StoreRecovering(Exception):
    """The store has forgotten what it lent: nothing is lent until every holder has had the time to tell it again.

    `epoch` names the life of the store that begins.
    """

    def __init__(self, epoch: str = "") -> None:
        super().__init__("it has forgotten what was lent, and lends again once every gateway has told it")
        self.epoch = epoch


class StoreForgot(StoreRecovering):
    """It was noticed just now, and what was saved in the database has been put back."""


class LeaseRequest(NamedTuple):
    """What a holder says and asks about one lease.

    `lease_id` is the holder's own number for it, `sequence` the number of the request, which rises with each: one that
    was overtaken by a later one changes nothing any more. `granted` is what the holder believes it was lent in all,
    `spent` how much of that is gone. With `keep`, the lease is first lowered to that much; the holder must have stopped
    spending beyond it before it asks, until it is answered. Then `least` more is asked for, without which it cannot go
    on (0: nothing is urgent), and `most` would be welcome. `since` is when the need arose. `final` ends the lease.
    """

    lease_id: int
    sequence: int
    key: str
    window: Window
    limit: int
    granted: int
    spent: int
    keep: int | None = None
    least: int = 0
    most: int = 0
    since: float = 0.0
    final: bool = False


class LeaseAnswer(NamedTuple):
    """`granted`: all that was lent under this lease, from its beginning. `free`: what the window has left to lend.
    `elsewhere`: what living holders were lent and are not known to have spent; `lost`: the same of those that are gone.
    """

    lease_id: int
    granted: int
    free: int
    elsewhere: int
    lost: int = 0


class Reservation(NamedTuple):
    """A wish for `messages` of a rate: one every `interval` seconds, `tolerance` seconds before their time."""

    key: str
    interval: float
    tolerance: float
    messages: int


class Reserved(NamedTuple):
    """The answer to a reservation: the first of so many `messages` has its time at `start`, the others follow by the
    interval. With 0 messages nothing could be reserved yet, and `start` is when the next one would be."""

    key: str
    start: float
    messages: int


class WindowUsage(NamedTuple):
    """`spent` for good, and `lent` to workers that are not known to have spent it."""

    spent: int
    lent: int


class LostHolder(NamedTuple):
    """A holder that was not seen since `seen_at`, and has not returned what it was `lent` of quotas and may have spent.

    `reported` is how much of that it has said to have spent.
    """

    name: str
    seen_at: float
    lent: int
    reported: int


class LeaseStore(Protocol):
    """What gateway workers share. Calls block; make them outside the event loop. All times are epoch seconds."""

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        """Serve the requests of one holder, all or none; the answers are in the same order."""

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        """Reserve messages of rates; the answers are in the same order."""

    def contended(self, holder: str, now: float) -> list[int]:
        """Those of this holder's leases that somebody else is waiting for."""

    def beat(self, holder: str, now: float) -> bool:
        """Say that a holder lives. Call it every few seconds, and before its first exchange. False: it was not known
        to live until now, so its open connections or all of its leases may have been forgotten; ask about each."""

    def reconcile(self, holder: str, spent: Mapping[int, int] | None) -> None:
        """End all leases of a holder that is dead. `spent` is what its own record says by lease; the rest returns.
        None: there is no record that can be trusted, so all counts as spent. Open connections end either way."""

    def used(self, windows: Sequence[tuple[str, Window]]) -> list[WindowUsage]:
        """What is gone of each (key, window)."""

    def lost(self, now: float) -> list[LostHolder]:
        """The holders that are gone, for more than GONE_SECONDS, and hold parts of quotas."""

    def settle(self, holder: str, *, as_reported: bool) -> None:
        """End the leases of a holder that will not return. All that it was lent counts as spent, or with `as_reported`
        only what it has said: then a quota may be exceeded by what it has spent since."""

    def checkpoint(self) -> None:
        """Save what has changed to where it outlives the store, if it does not outlive it anyway."""

    def time(self) -> float | None:
        """What time it is by the store's own clock, which all its workers go by; None if that is this machine's."""

    def expire(self, now: float) -> int:
        """Forget windows that are long over, close the connections of holders that are gone, and settle the leases of
        those that are so for SETTLED_SECONDS, all as spent; how many they were."""


def api_account(application_id: str, api_id: str) -> str:
    """What a business plan is counted on: an application's use of an API.

    Another subscription to it, another plan or other keys do not begin it anew.
    """
    return f"application:{application_id}:api:{api_id}"


def whole_api_account(api_id: str, key_type: str) -> str:
    """What the limits of an API as a whole are counted on, for each type of keys by itself."""
    return f"api:{api_id}:{key_type}"


def application_account(application_id: str) -> str:
    """What an application plan is counted on."""
    return f"application:{application_id}"


def quota_key(account: str, limits: PlanLimits) -> str:
    """The name of an account's quota in the store."""
    return f"{account}:{limits.unit}:{limits.period}"


def connections_key(account: str) -> str:
    """The name of the count of an account's open connections."""
    return f"{account}:connections"


def carried_over(
    used: Callable[[Sequence[tuple[str, Window]]], Sequence[WindowUsage]], key: str, window: Window, now: float
) -> int:
    """What a quota's window begins with when it is first drawn from: the plan may have had another period until now.

    What was used in shorter periods that lie within it counts, as far as it is still known: the minutes of an hour,
    the hours of a day, the days of a month. Of a period that lies within several of those only the larger figure
    counts, because the longer of them may have begun with the other. What was used in a longer period does not count,
    for nobody knows when in it, and neither does what was counted in another unit. Workers report once a second, so
    the last second before a change may be missing. `used` is that of a store.
    """
    stem, _, period = key.rpartition(":")
    lengths = [each for each in _LENGTHS if each < window.end - window.start] if period in _PERIODS else []
    places = [
        (f"{stem}:{_LENGTHS[seconds]}", Window(start, start + seconds))
        for seconds in lengths
        for start in range(
            max(window.start, int(now - KEPT_SECONDS[seconds]) // seconds * seconds),
            min(window.end, int(now) + 1),
            seconds,
        )
    ]
    spent = {place: usage.spent for (_, place), usage in zip(places, used(places) if places else (), strict=True)}
    within = Counter[int]()
    for seconds in lengths:
        inner, within = within, Counter[int]()
        for start, amount in inner.items():
            within[start // seconds * seconds] += amount
        for (start, end), amount in spent.items():
            if end - start == seconds:
                within[start] = max(within[start], amount)
    return within.total()


MINUTE, HOUR, DAY = 60, 3600, 86400
_LENGTHS = {MINUTE: QuotaPeriod.MINUTE, HOUR: QuotaPeriod.HOUR, DAY: QuotaPeriod.DAY}
KEPT_SECONDS = {MINUTE: HOUR, HOUR: DAY, DAY: 31 * DAY}
"""How long a window that is over is kept, by its length (any other: HOUR), for leases that end late, and for a longer
window to begin with."""
_PERIODS = frozenset(QuotaPeriod)


@dataclass(slots=True)
class StoredWindow:
    """A window as a store keeps it: `granted` counts what was spent for good and what is lent out."""

    granted: int = 0
    contended_at: float = 0.0


@dataclass(slots=True)
class StoredLease:
    """A lease as a store keeps it. `living` is whether its holder was seen lately."""

    holder: str
    lease_id: int
    granted: int
    spent: int = 0
    reported_at: float = 0.0
    sequence: int = 0
    living: bool = True


def decide(
    window: StoredWindow, lease: StoredLease, others: Iterable[StoredLease], request: LeaseRequest, now: float
) -> LeaseAnswer:
    """Serve one request: change `window` and `lease`, which the engine then saves (or deletes, for the final one).

    A lease that the store does not know is given in as the holder believes it to be, and added to the window by
    `adopt`. Of what is left a holder gets at most half of an even share, so that nobody has to be asked to return
    much when it runs out.
    """
    others = list(others)
    living = [other for other in others if other.living]
    lost = sum(other.granted - other.spent for other in others if not other.living) if request.window.end else 0
    may_be_free = [not request.window.end and other.reported_at < request.since for other in living]
    elsewhere = sum(  # connections close: all that was held when it was last reported may be free by now
        other.granted - (0 if free else other.spent) for other, free in zip(living, may_be_free, strict=True)
    )
    free = max(0, request.limit - window.granted)
    if request.sequence <= lease.sequence:
        return LeaseAnswer(request.lease_id, lease.granted, free, elsewhere, lost)
    lease.sequence, lease.spent, lease.reported_at = request.sequence, request.spent, now
    if request.final:
        kept = request.spent if request.window.end else 0
        window.granted -= lease.granted - kept
        lease.granted = kept
    elif request.keep is not None and request.keep < lease.granted:
        window.granted -= lease.granted - request.keep
        lease.granted = request.keep
    free = max(0, request.limit - window.granted)
    if request.least > free:
        window.contended_at = now
    elif request.least or request.most:
        added = max(request.least, min(request.most, free // (2 + 2 * len(living))))
        lease.granted += added
        window.granted += added
        free -= added
    return LeaseAnswer(request.lease_id, lease.granted, free, elsewhere, lost)


def adopt(window: StoredWindow, request: LeaseRequest, holder: str) -> StoredLease:
    """A lease that the store does not know: a new one, or one that a store without a memory has forgotten."""
    window.granted += request.granted
    return StoredLease(holder, request.lease_id, request.granted)


def schedule(reserved_until: float, reservation: Reservation, now: float) -> tuple[float, Reserved]:
    """Reserve messages of the one schedule of a rate (the generic cell rate algorithm); its new end, and the answer.

    A message may pass `tolerance` seconds before its time; that is the burst. An end of 0 is a rate never used.
    """
    begin = max(reserved_until, now)
    if begin - reservation.tolerance - reservation.interval > now + HORIZON_SECONDS + CLOCK_SECONDS:
        begin = now
    room = math.floor((now + HORIZON_SECONDS - (begin - reservation.tolerance)) / reservation.interval) + 1
    count = max(0, min(reservation.messages, room))
    return begin + count * reservation.interval, Reserved(reservation.key, begin, count)
