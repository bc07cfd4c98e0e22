"""The spans of time that people look at, cut into steps of their own time zone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.translating import gettext_noop as _

LONGEST_ZONE = 64


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """So many steps back from now. `written` is how the beginning of a step is told.

    Where `mark` changes from one step to the next a chart has a mark, told as `marked`. `static/js/chart.js` tells both
    in the browser's language.
    """

    label: str
    steps: int
    step: timedelta
    written: str
    mark: Callable[[datetime], object]
    marked: str

    def begins(self, now: datetime, zone: ZoneInfo) -> list[datetime]:
        """When each step began, the oldest first, and the present one last."""
        local = now.astimezone(zone)
        if self.step == timedelta(days=1):
            first = local.replace(hour=0, minute=0, second=0, microsecond=0)
            # In days of the calendar, which are not all of 24 hours.
            return [first - self.step * back for back in reversed(range(self.steps))]
        seconds = int(self.step.total_seconds())  # weeks begin when those do to which old days are added up
        latest = int(now.timestamp()) // seconds * seconds
        moments = (latest - seconds * back for back in reversed(range(self.steps)))
        return [datetime.fromtimestamp(each, UTC).astimezone(zone) for each in moments]


SPANS: Final = {
    "hour": TimeSpan(_("Hour"), 60, timedelta(minutes=1), "%H:%M", lambda at: at.minute // 10, "%H:%M"),
    "day": TimeSpan(_("Day"), 24, timedelta(hours=1), "%d %b, %H:%M", lambda at: at.hour // 4, "%H:%M"),
    "week": TimeSpan(_("Week"), 7 * 4, timedelta(hours=6), "%a %d %b, %H:%M", lambda at: at.day, "%a %d"),
    "month": TimeSpan(_("Month"), 30, timedelta(days=1), "%a %d %b", lambda at: at.isocalendar().week, "%d %b"),
    "year": TimeSpan(_("Year"), 53, timedelta(days=7), _("from %d %b %Y"), lambda at: at.month, "%b"),
}
DEFAULT = "day"


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name, UTC for one that there is not."""
    try:
        return ZoneInfo(name if len(name) <= LONGEST_ZONE else "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def places(moments: list[datetime], begins: list[int]) -> Iterator[int]:
    """For each of `begins` (seconds, ascending) the step that it falls into."""
    borders, place = [moment.timestamp() for moment in moments], 0
    for each in begins:
        while place + 1 < len(borders) and each >= borders[place + 1]:
            place += 1
        yield place
