"""Messages that fitted no schema of their topic: who sent how many of them, and samples. The gateway registers its book
of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.registry import Registry
from publisher.models import Api


@dataclass(frozen=True, slots=True)
class CountedViolations:
    """How many messages of one sender, `client` or `backend`, fitted nothing, on an application's connections."""

    application_id: str
    application: str
    subscriber: str
    topic: str
    sender: str
    times: int
    first: datetime
    last: datetime

    @property
    def kind(self) -> tuple[str, str, str]:
        """What its samples have in common with it."""
        return self.application_id, self.topic, self.sender


@dataclass(frozen=True, slots=True)
class SampledViolation:
    """One of them. `path` is a JSON pointer, empty for the whole; `payload` is its beginning of `octets` bytes.

    `is_closed` says that its connection was ended for it.
    """

    application_id: str
    topic: str
    sender: str
    at: datetime
    is_closed: bool
    message: str
    path: str
    problem: str
    payload: str
    octets: int


@dataclass(frozen=True, slots=True)
class ViolationRecords:
    """Who knows of them, by the id of the API; of samples, of these applications."""

    counted: Callable[[str], Sequence[CountedViolations]]
    samples: Callable[[str, Sequence[str]], Sequence[SampledViolation]]
    forget: Callable[[str], None]


_kept: Registry[ViolationRecords] = Registry()
register = _kept.register


def counted(api: Api) -> list[CountedViolations]:
    """Who sent how many, the latest first. They may be sliced: a page shows a few."""
    return [each for records in _kept for each in records.counted(str(api.pk))]


def samples(api: Api, of: Sequence[CountedViolations]) -> list[SampledViolation]:
    """What is kept of these, the newest first."""
    ids = sorted({each.application_id for each in of})
    return [each for records in _kept for each in records.samples(str(api.pk), ids)]


def forget(api: Api) -> None:
    """Forget what was counted and kept of an API, so that counting begins anew."""
    for records in _kept:
        records.forget(str(api.pk))
