"""What a plan allows, and the calendar windows its quota is counted in. Pure; times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

MESSAGES: Final = "messages"
BYTES: Final = "bytes"
BOTH: Final = "both"
CLIENT: Final = "client"
LARGEST: Final = 1 << 53
"""The largest number that every store counts exactly."""


class Action(StrEnum):
    """What is done with a message that is over a limit."""

    DELAY = "delay"
    DROP = "drop"
    CLOSE = "close"


class Period(StrEnum):
    """How long a quota lasts. Periods begin on the calendar's minute, hour, day or month in UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Window(NamedTuple):
    """One period: from `start` until just before `end`, in whole seconds. An `end` of 0 never comes."""

    start: int
    end: int


OPEN: Final = Window(0, 0)
"""The window of what is counted only while it lasts: open connections."""

_SECONDS: Final = {Period.MINUTE: 60, Period.HOUR: 3600, Period.DAY: 86400}


def window_at(period: Period, now: float) -> Window:
    """The period that `now` lies in."""
    if period is not Period.MONTH:
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
    only what the `client` sends. Raises ValueError for numbers that make no sense.
    """

    quota: int | None = None
    unit: str = MESSAGES
    period: Period = Period.DAY
    rate: int | None = None
    burst: int | None = None
    connections: int | None = None
    connects: int | None = None
    message_bytes: int | None = None
    counted: str = BOTH
    over_rate: Action = Action.DELAY
    over_quota: Action = Action.CLOSE

    def __post_init__(self) -> None:
        for name in ("quota", "connections", "connects", "message_bytes"):
            _check(name, getattr(self, name), 0)
        for name in ("rate", "burst"):
            _check(name, getattr(self, name), 1)
        if self.unit not in (MESSAGES, BYTES) or self.counted not in (BOTH, CLIENT):
            raise ValueError(f"unit {self.unit!r} or counted {self.counted!r} is not known")
        if self.over_quota is Action.DELAY:
            raise ValueError("over a quota a message is dropped or the connection closed")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PlanLimits:
        """Read a plan written with the names of its fields; names that are not limits are passed over."""
        given = {name: document[name] for name in cls.__slots__ if name in document}
        for name, kind in (("period", Period), ("over_rate", Action), ("over_quota", Action)):
            if name in given:
                given[name] = kind(given[name])
        return cls(**given)

    @classmethod
    def per_minute(cls, messages: int | None) -> PlanLimits:
        """An application plan: so many messages a minute."""
        return cls(quota=messages, period=Period.MINUTE)

    @property
    def burst_messages(self) -> int:
        """How many messages may pass at once after a pause."""
        return self.burst or max(1, (self.rate or 0) // 10)


def _check(name: str, value: int | None, least: int) -> None:
    if value is not None and not least <= value <= LARGEST:
        raise ValueError(f"{name} must be a whole number from {least} to {LARGEST}, but is {value!r}")


UNLIMITED: Final = PlanLimits()
