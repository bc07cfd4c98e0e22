"""What a plan allows, and the calendar windows its quota is counted in. Pure; times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from publisher.plan_terms import CountedDirection, ExceededAction, QuotaPeriod, QuotaUnit

LARGEST: Final = 1 << 53
"""The largest number that every store counts exactly."""


class Window(NamedTuple):
    """One period: from `start` until just before `end`, in whole seconds. An `end` of 0 never comes."""

    start: int
    end: int


OPEN: Final = Window(0, 0)
"""The window of what is counted only while it lasts: open connections."""

_SECONDS: Final = {QuotaPeriod.MINUTE: 60, QuotaPeriod.HOUR: 3600, QuotaPeriod.DAY: 86400}


def window_at(period: QuotaPeriod, now: float) -> Window:
    """The period that `now` lies in."""
    if period is not QuotaPeriod.MONTH:
        seconds = _SECONDS[period]
        start = int(now // seconds) * seconds
        return Window(start, start + seconds)
    moment = datetime.fromtimestamp(now, UTC)
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return Window(int(first.timestamp()), int(following.timestamp()))


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """A business plan or an application plan as the gateway applies it; None is no limit.

    `quota` counts messages or bytes (`unit`) per `period`; `rate` is messages a second with `burst` messages at once
    (None: a tenth of a second's worth, at least one); `connections` are open at the same time; `connects` are new
    connections a minute; `message_bytes` is the largest message. `counted` says which direction counts: `both`, or
    only what the `client` sends. `uncompressed` declines compression, so that bytes are those inside. Raises ValueError
    for numbers that make no sense.
    """

    quota: int | None = None
    unit: QuotaUnit = QuotaUnit.MESSAGES
    period: QuotaPeriod = QuotaPeriod.DAY
    rate: int | None = None
    burst: int | None = None
    connections: int | None = None
    connects: int | None = None
    message_bytes: int | None = None
    counted: CountedDirection = CountedDirection.BOTH
    over_rate: ExceededAction = ExceededAction.DELAY
    over_quota: ExceededAction = ExceededAction.CLOSE
    uncompressed: bool = False

    def __post_init__(self) -> None:
        least = {"quota": 0, "connections": 0, "connects": 0, "message_bytes": 0, "rate": 1, "burst": 1}
        for name, smallest in least.items():
            value = getattr(self, name)
            if value is not None and not smallest <= value <= LARGEST:
                raise ValueError(f"{name} must be a whole number from {smallest} to {LARGEST}, but is {value!r}")
        QuotaUnit(self.unit), CountedDirection(self.counted)
        if self.over_quota is ExceededAction.DELAY:
            raise ValueError("over a quota a message is dropped or the connection closed")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PlanLimits:
        """Read a plan written with the names of its fields; names that are not limits are passed over."""
        given = {name: document[name] for name in cls.__slots__ if name in document}
        for name, words in _WORDS.items():
            if name in given:
                given[name] = words(given[name])
        return cls(**given)

    @classmethod
    def per_minute(cls, messages: int | None) -> PlanLimits:
        """An application plan: so many messages a minute."""
        return cls(quota=messages, period=QuotaPeriod.MINUTE)

    @property
    def burst_messages(self) -> int:
        """How many messages may pass at once after a pause."""
        return self.burst or max(1, (self.rate or 0) // 10)


_WORDS: Final[Mapping[str, Callable[[Any], StrEnum]]] = {
    "unit": QuotaUnit,
    "period": QuotaPeriod,
    "counted": CountedDirection,
    "over_rate": ExceededAction,
    "over_quota": ExceededAction,
}


UNLIMITED: Final = PlanLimits()
