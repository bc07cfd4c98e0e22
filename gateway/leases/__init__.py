"""Slices of a plan, lent to gateway workers: what a store of them promises, and the terms on which it lends. Pure.

A *window* is one period of one quota, shared by every worker of every host. A *lease* is what one worker (the
*holder*) took of it. A worker spends its lease without asking anybody; a store only sees to it that

    what was spent for good  +  what is lent out  <=  the limit

at every moment, whoever crashes. The terms are `decide` and `schedule`; the engines (`database`, `redis`) make them
atomic. A window without an end counts what is open now (connections): what its holder had, ends with its holder.

Every call may be repeated: when an answer was lost, asking again does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.limits import Limits, Window

LIVING_SECONDS = 10.0
"""A holder that was not seen for so long is not waited for."""
GONE_SECONDS = 30.0
"""A holder that was not seen for so long has no connections any more."""
PRESSING_SECONDS = 1.0
"""For so long after somebody was refused, holders of the window are asked to return what they do not need."""
HORIZON_SECONDS = 1.0
"""How far ahead of their time messages of a rate may be reserved."""
CLOCK_SECONDS = 5.0
"""A rate booked further ahead than the horizon and this was booked by a clock that has been set back since."""


class Request(NamedTuple):
    """What a holder says and asks about one lease.

    `serial` is the holder's own number for it, `turn` the number of the request, which rises with each: one that was
    overtaken by a later one changes nothing any more. `granted` is what the holder believes it was lent in all, `spent`
    how much of that is gone. With `keep`, the lease is first lowered to that much; the holder must have stopped
    spending beyond it before it asks, until it is answered. Then `least` more is asked for, without which it cannot go
    on (0: nothing is urgent), and `most` would be welcome. `since` is when the need arose. `final` ends the lease.
    """

    serial: int
    turn: int
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


class Answer(NamedTuple):
    """`granted`: all that was lent under this lease, from its beginning. `free`: what the window has left to lend.
    `elsewhere`: what living holders were lent and are not known to have spent."""

    serial: int
    granted: int
    free: int
    elsewhere: int


class Booking(NamedTuple):
    """A wish for `messages` of a rate: one every `interval` seconds, `tolerance` seconds before their time."""

    key: str
    interval: float
    tolerance: float
    messages: int


class Slots(NamedTuple):
    """The answer to a booking: the first of so many `messages` has its time at `start`, the others follow by the
    interval. With 0 messages nothing could be booked yet, and `start` is when the next one would be."""

    key: str
    start: float
    messages: int


class Usage(NamedTuple):
    """`spent` for good, and `lent` to workers that are not known to have spent it."""

    spent: int
    lent: int


class LeaseStore(Protocol):
    """What gateway workers share. Calls block; make them outside the event loop. All times are epoch seconds."""

    def exchange(self, holder: str, requests: Sequence[Request], now: float) -> list[Answer]:
        """Serve the requests of one holder, all or none; the answers are in the same order."""

    def book(self, bookings: Sequence[Booking], now: float) -> list[Slots]:
        """Reserve messages of rates; the answers are in the same order."""

    def wanted(self, holder: str, now: float) -> list[int]:
        """The serials of this holder's leases that somebody else is waiting for."""

    def beat(self, holder: str, now: float) -> bool:
        """Say that a holder lives. Call it every few seconds, and before its first exchange. False: it was not known
        to live until now, so its open connections or all of its leases may have been forgotten; ask about each."""

    def settle(self, holder: str, spent: Mapping[int, int] | None) -> None:
        """End all leases of a holder that is dead. `spent` is what its own record says by serial; the rest returns.
        None: there is no record that can be trusted, so all counts as spent. Open connections end either way."""

    def used(self, windows: Sequence[tuple[str, Window]]) -> list[Usage]:
        """What is gone of each (key, window)."""

    def sweep(self, now: float) -> None:
        """Forget windows that are long over and close the connections of holders that are gone."""


def quota_key(account: str, limits: Limits) -> str:
    """The name of an account's quota in the store; the account is "subscription:<id>" or "application:<id>"."""
    return f"{account}:{limits.unit}:{limits.period}"


def connections_key(account: str) -> str:
    """The name of the count of an account's open connections."""
    return f"{account}:connections"


def connects_key(account: str) -> str:
    """The name of the count of an account's new connections."""
    return f"{account}:connects"


def rate_key(account: str, rate: int) -> str:
    """The name of an account's rate; another rate begins with a time line of its own."""
    return f"{account}:rate:{rate}"


def open_store(redis_url: str) -> LeaseStore:
    """The store of leases: in the Redis at this address, or in the database when the address is empty."""
    if redis_url:
        from gateway.leases.redis import RedisLeaseStore

        return RedisLeaseStore(redis_url)
    from gateway.leases.database import DatabaseLeaseStore

    return DatabaseLeaseStore()


@dataclass(slots=True)
class WindowState:
    """A window as a store keeps it: `granted` counts what was spent for good and what is lent out."""

    granted: int = 0
    wanted_at: float = 0.0


@dataclass(slots=True)
class LeaseState:
    """A lease as a store keeps it. `living` is whether its holder was seen lately."""

    holder: str
    serial: int
    granted: int
    spent: int = 0
    reported_at: float = 0.0
    turn: int = 0
    living: bool = True


def decide(
    window: WindowState, lease: LeaseState, others: Iterable[LeaseState], request: Request, now: float
) -> Answer:
    """Serve one request: change `window` and `lease`, which the engine then saves (or deletes, for the final one).

    A lease that the store does not know is given in as the holder believes it to be, and added to the window by
    `adopt`. Of what is left a holder gets at most half of an even share, so that nobody has to be asked to return
    much when it runs out.
    """
    living = [other for other in others if other.living]
    elsewhere = sum(_unspent(other, request) for other in living)
    free = max(0, request.limit - window.granted)
    if request.turn <= lease.turn:
        return Answer(request.serial, lease.granted, free, elsewhere)
    lease.turn, lease.spent, lease.reported_at = request.turn, request.spent, now
    if request.final:
        kept = request.spent if request.window.end else 0
        window.granted -= lease.granted - kept
        lease.granted = kept
    elif request.keep is not None and request.keep < lease.granted:
        window.granted -= lease.granted - request.keep
        lease.granted = request.keep
    free = max(0, request.limit - window.granted)
    if request.least > free:
        window.wanted_at = now
    elif request.least or request.most:
        added = max(request.least, min(request.most, free // (2 + 2 * len(living))))
        lease.granted += added
        window.granted += added
        free -= added
    return Answer(request.serial, lease.granted, free, elsewhere)


def adopt(window: WindowState, request: Request, holder: str) -> LeaseState:
    """A lease that the store does not know: a new one, or one that a store without a memory has forgotten."""
    window.granted += request.granted
    return LeaseState(holder, request.serial, request.granted)


def is_wanted(window: WindowState, lease: LeaseState, has_end: bool, now: float) -> bool:
    """Whether the holder of `lease` should report, and return what it has not spent."""
    pressing = now - PRESSING_SECONDS < window.wanted_at and lease.reported_at < window.wanted_at
    return pressing and (lease.granted > lease.spent if has_end else lease.granted > 0)


def schedule(booked_until: float, booking: Booking, now: float) -> tuple[float, Slots]:
    """Reserve messages on the one time line of a rate (the generic cell rate algorithm); its new end, and the slots.

    A message may pass `tolerance` seconds before its time; that is the burst. An end of 0 is a rate never used.
    """
    begin = max(booked_until, now)
    if begin - booking.tolerance - booking.interval > now + HORIZON_SECONDS + CLOCK_SECONDS:
        begin = now
    room = math.floor((now + HORIZON_SECONDS - (begin - booking.tolerance)) / booking.interval) + 1
    count = max(0, min(booking.messages, room))
    return begin + count * booking.interval, Slots(booking.key, begin, count)


def _unspent(lease: LeaseState, request: Request) -> int:
    if not request.window.end and lease.reported_at < request.since:
        return lease.granted  # connections close: what it held when it last reported may be free by now
    return lease.granted - lease.spent
