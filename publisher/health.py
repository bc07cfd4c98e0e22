"""How an API fares on the gateway: what its backend answered, and who was refused. The gateway registers who knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.text import count
from publisher.models import Api

PERIOD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Refused:
    """How often clients were refused for one reason, and when last. `is_backend`: it is the backend that failed."""

    status: int
    sentence: str
    times: int
    last: datetime
    is_backend: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """An address that failed so often in a row, and until when it is left alone (None: it is not)."""

    address: str
    failures: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What happened in the last hour, and what is known to be wrong now."""

    opened: int = 0
    last_opened: datetime | None = None
    refusals: list[Refused] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many clients were refused."""
        return sum(each.times for each in self.refusals)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Health in a word with its colour, and in a sentence."""

    kind: str
    word: str
    sentence: str


Reader = Callable[[Sequence[str], datetime, datetime], dict[str, Health]]
_readers: list[Reader] = []


def register(reader: Reader) -> None:
    """Add who knows, for APIs by their ids, since when, and now."""
    if reader not in _readers:
        _readers.append(reader)


def of(apis: Sequence[Api], now: datetime) -> dict[str, Health]:
    """The health of these APIs by id; empty where nobody knows."""
    ids = [str(api.pk) for api in apis]
    known: dict[str, Health] = {}
    for reader in _readers:
        known |= reader(ids, now - PERIOD, now)
    return known


def verdict(health: Health, now: datetime) -> Verdict:
    """What a person should know first."""
    for trouble in health.troubles:
        if trouble.until and trouble.until > now:
            seconds = max(1, round((trouble.until - now).total_seconds()))
            said = (
                f"{trouble.address} failed {count(trouble.failures, 'time')} in a row and is given a rest: calls are "
                f"refused with 503. It is tried again in {count(seconds, 'second')}."
            )
            return Verdict("bad", "Suspended", said)
    dials = [each for each in health.refusals if each.is_backend]
    failed = max(dials, key=lambda each: each.last, default=None)
    if failed and (health.last_opened is None or failed.last > health.last_opened):
        said = f"The last call did not reach the backend ({failed.status}). {failed.sentence}"
        return Verdict("bad", "Failing", said)
    if failed:
        missed = count(sum(each.times for each in dials), "time")
        return Verdict("warn", "Unsteady", f"The backend answers again. It failed {missed} in the last hour.")
    if health.opened:
        said = f"The backend answered every call in the last hour: {count(health.opened, 'connection')}."
        return Verdict("good", "Healthy", said)
    return Verdict("grey", "Quiet", "Nobody has reached the backend in the last hour.")


def moment(seconds: float) -> datetime | None:
    """A time in seconds since the epoch; None for 0."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
