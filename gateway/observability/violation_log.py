"""Messages that fitted no schema, counted by application and a few of them kept, by a task of its own.

A flood costs little: within a second a few of each kind are looked at closely, and the others raise a number. Of each
application of an API the newest samples stay, so many as the setting says. Fields that the API forbids to keep are
taken out of them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.upkeep import delete_batch
from gateway.connections.registry import Connection
from gateway.database import Runner
from gateway.models import ViolationCount, ViolationSample
from gateway.payloads.redaction import keep
from gateway.payloads.schemas import Misfit
from publisher.runtime import ValidationMode
from publisher.violations import CountedViolations, SampledViolation, ViolationRecords

MOST_KINDS: Final = 500  # that one worker counts within a second, or for as long as the database is away
MOST_ALIKE: Final = 3  # samples of one kind within a second
SHOWN: Final = 1000  # characters of a payload
LONGEST_LIST: Final = 1000  # of an API's counts

log = logging.getLogger("gateway.violation_log")


class ViolationKind(NamedTuple):
    """What is counted together: the messages of one sender on one topic of an API, of one application."""

    api_id: str
    application_id: str
    topic: str
    sender: str


@dataclass(eq=False, kw_only=True, repr=False)
class ViolationLog:
    """The violations of one worker. Keeps no more than `samples` of them for each application of an API."""

    run: Runner
    samples: int
    redacted_of: Callable[[str], Sequence[str] | None] = lambda api_id: ()
    clock: Callable[[], datetime] = timezone.now
    _times: Counter[ViolationKind] = field(default_factory=Counter, init=False)
    _names: dict[ViolationKind, tuple[str, str]] = field(default_factory=dict, init=False)
    _waiting: list[ViolationSample] = field(default_factory=list, init=False)

    def violated(self, connection: Connection, sender: str, misfit: Misfit) -> None:
        """A message of the sender, `client` or `backend`, fitted nothing. Neither waits nor raises."""
        route, grant = connection.admitted.route, connection.admitted.grant
        target = route.topic.target if route.topic else ""
        kind = ViolationKind(route.api_id, grant.application_id, target, sender)
        if kind not in self._times and len(self._times) >= MOST_KINDS:
            return
        self._times[kind] += 1
        self._names[kind] = grant.application_name, grant.owner_name
        if self._times[kind] > min(MOST_ALIKE, self.samples):
            return
        violation, kept = misfit.describe(), keep(misfit.payload, self.redacted_of(route.api_id))
        self._waiting.append(
            ViolationSample(
                **kind._asdict(),
                at=self.clock(),
                is_closed=route.deployment.design.validation is ValidationMode.ENFORCE,
                message=violation.message[:100],
                path=_storable(violation.path)[:300],
                problem=_storable(violation.problem)[:300],
                payload=_storable((kept.payload or b"")[: 4 * SHOWN].decode(errors="replace"))[:SHOWN],
                octets=len(misfit.payload),
            )
        )

    def is_waiting(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._times)

    async def write(self) -> None:
        """Write what waits. Never raises: while the database is away the first samples wait on, and all are counted."""
        if not self._times:
            return
        times, names, samples = self._times, self._names, self._waiting
        self._times, self._names, self._waiting = Counter(), {}, []
        try:
            await self.run(partial(write, times, names, samples, self.samples, self.clock()))
        except DatabaseError as error:
            log.debug("Violations cannot be written down now: %s", error)
            self._times.update(times)
            self._names |= names
            self._waiting = (samples + self._waiting)[:MOST_KINDS]


def write(
    times: Counter[ViolationKind],
    names: dict[ViolationKind, tuple[str, str]],
    samples: Iterable[ViolationSample],
    most: int,
    now: datetime,
) -> None:
    """Add to what is counted, and keep the newest samples, `most` for each application of an API."""
    with transaction.atomic():
        for kind in sorted(times):  # in one order, so that two workers cannot wait for each other
            application, owner = names[kind]
            said = {"application_name": application[:150], "subscriber": owner[:150], "last_at": now}
            rows = ViolationCount.objects.filter(**kind._asdict())
            if not rows.update(times=F("times") + times[kind], **said):
                fresh = {**said, "times": times[kind], "first_at": now}
                row, is_new = ViolationCount.objects.get_or_create(**kind._asdict(), defaults=fresh)
                if not is_new:  # another worker was quicker
                    ViolationCount.objects.filter(pk=row.pk).update(times=F("times") + times[kind], **said)
        made = ViolationSample.objects.bulk_create(samples)
        for api_id, application_id in sorted({(each.api_id, each.application_id) for each in made}):
            kept = ViolationSample.objects.filter(api_id=api_id, application_id=application_id)
            for last in kept.order_by("-id").values_list("pk", flat=True)[most : most + 1]:
                kept.filter(pk__lte=last).delete()


def prune(now: datetime) -> int:
    """Delete a batch of what is older than it is kept; how many rows that were."""
    if not settings.PAYLOAD_SAMPLE_DAYS:
        return 0
    before = now - timedelta(days=settings.PAYLOAD_SAMPLE_DAYS)
    old = delete_batch(ViolationSample.objects.filter(at__lt=before).order_by("at"))
    return old + delete_batch(ViolationCount.objects.filter(last_at__lt=before).order_by("last_at"))


def counted(api_id: str) -> list[CountedViolations]:
    """What the Publisher is told of an API, the latest first; at most LONGEST_LIST."""
    rows = ViolationCount.objects.filter(api_id=api_id).order_by("-last_at", "pk")
    columns = ("application_id", "application_name", "subscriber", "topic", "sender", "times")
    return [CountedViolations(*row) for row in rows.values_list(*columns, "first_at", "last_at")[:LONGEST_LIST]]


def samples(api_id: str, application_ids: Sequence[str]) -> list[SampledViolation]:
    """What is kept of these applications, the newest first; at most LONGEST_LIST."""
    rows = ViolationSample.objects.filter(api_id=api_id, application_id__in=application_ids).order_by("-id")
    columns = ("application_id", "topic", "sender", "at", "is_closed", "message", "path", "problem", "payload")
    return [SampledViolation(*row) for row in rows.values_list(*columns, "octets")[:LONGEST_LIST]]


@transaction.atomic
def forget(api_id: str) -> None:
    """Count anew, and keep no sample."""
    ViolationSample.objects.filter(api_id=api_id).delete()
    ViolationCount.objects.filter(api_id=api_id).delete()


RECORDS: Final = ViolationRecords(counted, samples, forget)


def _storable(text: str) -> str:
    """What every database takes."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
