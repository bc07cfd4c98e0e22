"""What may pass: the quotas and rates of plans as one worker holds them. Pure: no clock, no I/O.

Times are seconds since the epoch and are passed in. All of this is touched only from the worker's event loop.

A `Meter` belongs to one direction of one connection. It joins the sources that its messages draw from: a `Quota`
(`gateway.quotas.quota`) is the worker's lease on a quota of a plan, a `RateReservation` (`gateway.quotas.rate`) what it
has reserved of a rate. Sources are shared by all connections of a subscription, or of an application
(`gateway.quotas.state`).

The relay counts a chunk with its `FrameScanner` and calls `meter.take(messages, octets)`: all or nothing. True: pass
the chunk on. False: nothing was taken, and `gateway.relay.throttle` finds what may pass, frame by frame, with
`meter.blocked(messages, octets, now)`, which says what stands in the way of one message:

| what | what to do |
|---|---|
| `LimitExceeded` with `CLOSE` | close with 4003 and its sentence |
| `LimitExceeded` with `DROP` | skip the message |
| `Wait`, `Renew` | stop reading, keep the rest, `blocked.source.hold(resume)`, and try again when `resume` is called |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, MutableSequence, Sequence
from typing import Final, NamedTuple

from gateway.native import MeterBase, SourceBase
from publisher.plan_terms import ExceededAction

Resume = Callable[[], None]


class Wait(NamedTuple):
    """The rate allows the next message at `until`."""

    source: LimitSource
    until: float


class Renew(NamedTuple):
    """The lease is dry; the store is being asked."""

    source: LimitSource


class LimitExceeded(NamedTuple):
    """The limit is reached; `action` is CLOSE or DROP. `resets_at` is when there is more."""

    source: LimitSource
    action: ExceededAction
    resets_at: float
    sentence: str


Blocked = Wait | Renew | LimitExceeded


class LimitSource(SourceBase, ABC):
    """What meters draw from. `cells[at]` counts what was drawn and may not pass `top`; `octets` says what is counted.

    `subject` is whose it is, for people. `notify` is called with the source when it needs the store or the time.
    `waiting` are those who hold: whoever goes takes itself out of it.
    """

    __slots__ = ("notify", "subject", "waiting")

    def __init__(
        self, cells: MutableSequence[int], at: int, notify: Callable[[LimitSource], None], *, subject: str, octets: bool
    ) -> None:
        self.cells = cells
        self.at = at
        self.top = 0
        self.octets = octets
        self.subject = subject
        self.notify = notify
        self.waiting: OrderedDict[Resume, None] = OrderedDict()

    @property
    def unspent(self) -> int:
        """What may be drawn at once."""
        return self.top - self.cells[self.at]

    @abstractmethod
    def blocked(self, need: int, now: float) -> Blocked | None:
        """What stands in the way of drawing `need`; asks for more if that may help."""

    @abstractmethod
    def refresh(self, now: float) -> None:
        """Bring `top` up to the time."""

    @abstractmethod
    def end(self) -> None:
        """Nobody draws from it any more; whoever waits is told to look again."""

    def hold(self, resume: Resume) -> None:
        """Call `resume` once, when it is worth trying again; first come, first served. It must not raise."""
        self.waiting[resume] = None
        self.notify(self)

    def wake(self, *, everybody: bool = False) -> None:
        """Let those who wait try again, as long as there is something for them, or to tell everybody how it stands."""
        for _ in range(len(self.waiting)):
            if not self.waiting or (self.unspent <= 0 and not everybody):
                return
            self.waiting.popitem(last=False)[0]()


class Meter(MeterBase):
    """What one direction of one connection draws from. Call `take` through the attribute each time: it changes with
    the plan."""

    __slots__ = ()

    sources: tuple[LimitSource, ...]

    def __init__(self, sources: Sequence[LimitSource] = ()) -> None:
        self.draw_from(sources)

    def has_room(self, messages: int, octets: int) -> bool:
        """Whether so much could be taken now, without taking it."""
        return all(source.unspent >= (octets if source.octets else messages) for source in self.sources)

    def refresh(self, now: float) -> None:
        """Bring all sources up to the time, after which `take` may succeed where it just failed."""
        for source in self.sources:
            source.refresh(now)

    def blocked(self, messages: int, octets: int, now: float) -> Blocked | None:
        """The worst that stands in the way of one message, or of a further frame of it (`messages` 0).

        Refusals come before waiting, and closing before dropping. None: `take` will succeed.
        """
        worst: Blocked | None = None
        worst_rank = -1
        for source in self.sources:
            need = octets if source.octets else messages
            if need and (blocked := source.blocked(need, now)) is not None:
                closes = isinstance(blocked, LimitExceeded) and blocked.action is ExceededAction.CLOSE
                rank = _RANKS[type(blocked)] + closes
                if rank > worst_rank:
                    worst, worst_rank = blocked, rank
        return worst


_RANKS: Final = {Wait: 0, Renew: 1, LimitExceeded: 2}


FREE: Final = Meter()
"""For a connection that no plan limits; nobody has it draw from sources."""
