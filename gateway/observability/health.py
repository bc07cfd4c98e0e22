"""How APIs fare, as the connection log, the refusal log and the circuit breaker of all workers have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Count, Max, Q, Sum

from gateway.models import BreakerRecord, ConnectionRecord, DialRecord, RefusalRecord
from publisher.health import Dial, Health, Refused, Trouble, moment

BACKEND_CODES = frozenset({101503, 101504, 303001})


def dials_of(api_id: str) -> dict[str, Dial]:
    """What the gateway saw of an API's backends when it dialled them last, by address. Two queries."""
    records = BreakerRecord.objects.filter(address__startswith=f"{api_id} ").order_by()
    suspended = {record.address.partition(" ")[2]: record for record in records}
    dialled = {row.address: row for row in DialRecord.objects.filter(api_id=api_id).order_by()}
    found = {}
    for address in dialled | suspended:
        row, breaker = dialled.get(address), suspended.get(address)
        dial = Dial(address)  # of one whose row is not written yet only the suspension is known
        if row:
            seen = (row.at, row.worker, row.status, row.sentence, row.seconds)
            dial = Dial(address, *seen, opened=row.opened_at, failed=row.failed_at)
        if breaker:
            dial = replace(dial, failures=breaker.failures, until=moment(breaker.until), suspended_by=breaker.worker)
        found[address] = dial
    return found


def health_of(api_ids: Sequence[str], since: datetime, now: datetime) -> dict[str, Health]:
    """The health of these APIs. Three queries."""
    opened = {
        row["api_id"]: (row["number"], row["last"])
        for row in ConnectionRecord.objects.filter(api_id__in=api_ids, started_at__gte=since)
        .order_by()
        .values("api_id")
        .annotate(number=Count("pk"), last=Max("started_at"))
    }
    alike = (
        RefusalRecord.objects.filter(api_id__in=api_ids, at__gte=since)
        .order_by()
        .values("api_id", "status", "code", "description")
        .annotate(number=Sum("times"), last=Max("at"))
    )
    refusals: dict[str, list[Refused]] = {}
    for row in alike:
        refused = Refused(row["status"], row["description"], row["number"], row["last"], row["code"] in BACKEND_CODES)
        refusals.setdefault(row["api_id"], []).append(refused)
    mine = Q(pk__in=())
    for api_id in api_ids:  # the breaker keeps an address behind the id of its API
        mine |= Q(address__startswith=f"{api_id} ")
    troubles: dict[str, list[Trouble]] = {}
    for record in BreakerRecord.objects.filter(mine).order_by("-until"):
        api_id, _, address = record.address.partition(" ")
        troubles.setdefault(api_id, []).append(Trouble(address, record.failures, moment(record.until)))
    return {
        api_id: Health(
            *opened.get(api_id, (0, None)),
            sorted(refusals.get(api_id, []), key=lambda one: one.last, reverse=True),
            troubles.get(api_id, []),
        )
        for api_id in api_ids
    }
