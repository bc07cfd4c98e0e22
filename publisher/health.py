"""How an API fares on the gateway: what its backend answered, and who was refused. The gateway registers who knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.registry import Registry
from core.text import count
from publisher.models import Api
from publisher.runtime import KEY_TYPES

PERIOD = timedelta(hours=1)
OPENED = 101  # the status of a dial that ended well


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


@dataclass(frozen=True, slots=True)
class Dial:
    """The latest dial of an address, by which worker of the gateway, and how it ended: 101, or the status of a refusal
    with its sentence. `at` is None where nobody wrote it down.

    `opened` and `failed` are when one last ended well, and not. After `failures` in a row it is left alone `until`
    then, if at all, which `suspended_by` began.
    """

    address: str
    at: datetime | None = None
    worker: str = ""
    status: int = 0
    sentence: str = ""
    seconds: float = 0.0
    opened: datetime | None = None
    failed: datetime | None = None
    failures: int = 0
    until: datetime | None = None
    suspended_by: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it ended well."""
        return self.status == OPENED


@dataclass(frozen=True, slots=True)
class DialledAddress:
    """An address as the deployed revision names it, PRODUCTION or SANDBOX, and what is known of it."""

    environment: str
    is_primary: bool
    dial: Dial
    is_suspended: bool


DialReader = Callable[[str], Mapping[str, Dial]]
Reader = Callable[[Sequence[str], datetime, datetime], dict[str, Health]]
readers: Registry[Reader] = Registry()
register = readers.register
"""Add who knows, for APIs by their ids, since when, and now."""
dial_readers: Registry[DialReader] = Registry()
register_dials = dial_readers.register
"""Add who knows what became of the dials of an API's backends, by address."""


def places_of(api: Api, now: datetime) -> list[DialledAddress]:
    """The addresses that the gateway dials for an API, in its order, with what is known of each; none while it answers
    with a mock, or serves nothing."""
    snapshot = api.deployed_revision.snapshot if api.deployed_revision else {}
    if not snapshot or snapshot.get("mock", {}).get("is_on"):
        return []
    dials: dict[str, Dial] = {}
    for reader in dial_readers:
        dials |= reader(str(api.pk))
    places = []
    for environment in KEY_TYPES:
        endpoint = snapshot[environment.lower()] or {}
        addresses = [endpoint["url"], *endpoint.get("failover", [])] if endpoint.get("url") else []
        for address in addresses:
            dial = dials.get(address, Dial(address))
            is_suspended = dial.until is not None and dial.until > now
            places.append(DialledAddress(environment, address == endpoint["url"], dial, is_suspended))
    return places


def of(apis: Sequence[Api], now: datetime) -> dict[str, Health]:
    """The health of these APIs by id; empty where nobody knows."""
    ids = [str(api.pk) for api in apis]
    known: dict[str, Health] = {}
    for reader in readers:
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
