"""The leases in the database: for one host, and for small clusters on one PostgreSQL.

The rows of the windows asked for are locked (on SQLite: the database), the terms are worked out here by
`gateway.quotas.rules.decide`, and all is saved, in one short transaction for a whole batch of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Sum

from core import database_clock
from gateway.models import LeaseHolder, LeaseRecord, QuotaWindow, RateSchedule
from gateway.quotas.limits import Window
from gateway.quotas.rules import (
    DAY,
    GONE_SECONDS,
    HOUR,
    KEPT_SECONDS,
    LIVING_SECONDS,
    PRESSING_SECONDS,
    SETTLED_SECONDS,
    LeaseAnswer,
    LeaseRequest,
    LostHolder,
    Reservation,
    Reserved,
    StoredLease,
    StoredWindow,
    WindowUsage,
    adopt,
    carried_over,
    decide,
    schedule,
)

Place = tuple[str, int]  # a window's key and beginning
# Asked five times a second, while frames pass: in words of its own, because making them costs more than asking.
_CONTENDED = f"""
    SELECT lease.serial FROM {LeaseRecord._meta.db_table} lease
    JOIN {QuotaWindow._meta.db_table} quota ON quota.id = lease.window_id
    WHERE lease.holder = %s AND quota.wanted_at > %s AND lease.reported_at < quota.wanted_at
    AND (quota.ends = 0 AND lease.granted > 0 OR quota.ends > 0 AND lease.granted > lease.spent)
"""  # noqa: S608


class DatabaseLeaseStore:
    """A `LeaseStore` on Django's default database. Raises django.db.Error when it cannot be asked."""

    time = staticmethod(database_clock.ask)

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        """Serve the requests of one holder in one transaction."""
        if not requests:
            return []
        with transaction.atomic():
            batch = _Batch(self, holder, requests, now)
            answers = [batch.serve(request) for request in requests]
            batch.save()
        return answers

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        """Reserve messages of rates in one transaction."""
        if not reservations:
            return []
        with transaction.atomic():
            keys = {reservation.key for reservation in reservations}
            rows = RateSchedule.objects.filter(key__in=keys).select_for_update().order_by("key")
            schedules = {row.key: row for row in rows}
            if missing := sorted(keys - set(schedules)):
                RateSchedule.objects.bulk_create([RateSchedule(key=key) for key in missing], ignore_conflicts=True)
                schedules = {row.key: row for row in rows.all()}
            reserved = []
            for reservation in reservations:
                row = schedules[reservation.key]
                row.reserved_until, answer = schedule(row.reserved_until, reservation, now)
                reserved.append(answer)
            RateSchedule.objects.bulk_create(
                schedules.values(), update_conflicts=True, update_fields=["reserved_until"], unique_fields=["key"]
            )
        return reserved

    def contended(self, holder: str, now: float) -> list[int]:
        """Those of this holder's leases that somebody else is waiting for."""
        with connection.cursor() as cursor:
            cursor.execute(_CONTENDED, [holder, now - PRESSING_SECONDS])
            return [lease_id for (lease_id,) in cursor.fetchall()]

    def beat(self, holder: str, now: float) -> bool:
        """Say that a holder lives; whether that was known."""
        if LeaseHolder.objects.filter(name=holder, seen_at__gte=now - GONE_SECONDS).update(seen_at=now):
            return True
        LeaseHolder.objects.bulk_create(
            [LeaseHolder(name=holder, seen_at=now)],
            update_conflicts=True,
            update_fields=["seen_at"],
            unique_fields=["name"],
        )
        return False

    def reconcile(self, holder: str, spent: Mapping[int, int] | None) -> None:
        """End all leases of a dead holder."""
        _end_leases(holder, spent, Q())
        LeaseHolder.objects.filter(name=holder).delete()

    def used(self, windows: Sequence[tuple[str, Window]]) -> list[WindowUsage]:
        """What is gone of each (key, window)."""
        places = {(key, window.start) for key, window in windows}
        found = {place: QuotaWindow(granted=0) for place in places} | {
            (row.key, row.begins): row for row in _find(places).prefetch_related("leases")
        }
        usages = []
        for key, window in windows:
            row = found[key, window.start]
            lent = sum(lease.granted - lease.spent for lease in row.leases.all()) if row.pk else 0
            usages.append(WindowUsage(row.granted - lent, lent))
        return usages

    def checkpoint(self) -> None:
        """Nothing to do: this is where it outlives everything."""

    def lost(self, now: float) -> list[LostHolder]:
        """The holders that are gone and hold parts of quotas."""
        gone = dict(LeaseHolder.objects.filter(seen_at__lt=now - GONE_SECONDS).values_list("name", "seen_at"))
        leases = LeaseRecord.objects.filter(holder__in=gone, window__ends__gt=0).order_by()
        held = leases.values_list("holder").annotate(Sum("granted"), Sum("spent"))
        return [LostHolder(name, gone[name], granted, spent) for name, granted, spent in held]

    def settle(self, holder: str, *, as_reported: bool) -> None:
        """End the leases of a holder that will not return."""
        reported = dict(LeaseRecord.objects.filter(holder=holder).values_list("lease_id", "spent"))
        self.reconcile(holder, reported if as_reported else None)

    def expire(self, now: float) -> int:
        """Forget what is long over, close the connections of holders that are gone, and settle those long gone."""
        long_gone = LeaseHolder.objects.filter(seen_at__lt=now - SETTLED_SECONDS).values_list("name", flat=True)
        settled = [name for name in long_gone if LeaseRecord.objects.filter(holder=name).exists()]
        for name in settled:
            self.reconcile(name, None)
        for name in LeaseHolder.objects.filter(seen_at__lt=now - GONE_SECONDS).values_list("name", flat=True):
            _end_leases(name, None, Q(window__ends=0))
            if not LeaseRecord.objects.filter(holder=name).exists():
                LeaseHolder.objects.filter(name=name, seen_at__lt=now - GONE_SECONDS).delete()
        over = QuotaWindow.objects.filter(ends__gt=0, ends__lt=now - HOUR)
        for seconds in (HOUR, DAY):
            kept = Q(ends=F("begins") + seconds, ends__gte=now - KEPT_SECONDS[seconds])
            over = over.exclude(kept)
        over.delete()
        RateSchedule.objects.filter(reserved_until__lt=now - HOUR).delete()
        return len(settled)


class _Batch:
    """One batch of requests and the rows they concern."""

    def __init__(self, store: DatabaseLeaseStore, holder: str, requests: Sequence[LeaseRequest], now: float) -> None:
        self._holder = holder
        self._now = now
        self._rows = _locked(
            {(request.key, request.window.start): request.window for request in requests},
            lambda key, window: carried_over(store.used, key, window, now),
        )
        self._windows = {place: StoredWindow(row.granted, row.contended_at) for place, row in self._rows.items()}
        self._leases: dict[Place, dict[tuple[str, int], StoredLease]] = {place: {} for place in self._rows}
        places = {row.pk: place for place, row in self._rows.items()}
        living = set(LeaseHolder.objects.filter(seen_at__gt=now - LIVING_SECONDS).values_list("name", flat=True))
        for row in LeaseRecord.objects.filter(window__in=list(places)):
            state = StoredLease(
                row.holder, row.lease_id, row.granted, row.spent, row.reported_at, row.sequence, row.holder in living
            )
            self._leases[places[row.window_id]][row.holder, row.lease_id] = state
        self._changed: dict[int, tuple[Place, StoredLease]] = {}
        self._ended: list[int] = []

    def serve(self, request: LeaseRequest) -> LeaseAnswer:
        place = (request.key, request.window.start)
        window, leases = self._windows[place], self._leases[place]
        lease = leases.get((self._holder, request.lease_id))
        if lease is None:
            if request.final:
                return LeaseAnswer(request.lease_id, 0, 0, 0)  # ended before; the answer was lost
            lease = leases[self._holder, request.lease_id] = adopt(window, request, self._holder)
        others = [other for other in leases.values() if other.holder != self._holder]
        answer = decide(window, lease, others, request, self._now)
        if request.final:
            del leases[self._holder, request.lease_id]
            self._ended.append(request.lease_id)
        else:
            self._changed[request.lease_id] = (place, lease)
        return answer

    def save(self) -> None:
        changed = []
        for place, state in self._windows.items():
            row = self._rows[place]
            if (row.granted, row.contended_at) != (state.granted, state.contended_at):
                row.granted, row.contended_at = state.granted, state.contended_at
                changed.append(row)
        if changed:
            QuotaWindow.objects.bulk_create(
                changed, update_conflicts=True, update_fields=["granted", "contended_at"], unique_fields=["id"]
            )
        if self._ended:
            LeaseRecord.objects.filter(holder=self._holder, lease_id__in=self._ended).delete()
        if self._changed:
            LeaseRecord.objects.bulk_create(
                [
                    LeaseRecord(
                        window=self._rows[place],
                        holder=state.holder,
                        lease_id=state.lease_id,
                        granted=state.granted,
                        spent=state.spent,
                        reported_at=state.reported_at,
                        sequence=state.sequence,
                    )
                    for place, state in self._changed.values()
                ],
                update_conflicts=True,
                update_fields=["granted", "spent", "reported_at", "sequence"],
                unique_fields=["holder", "lease_id"],
            )


def _find(places: Iterable[Place]) -> QuerySet[QuotaWindow]:
    """The windows at these places, and perhaps other periods of the same quotas."""
    places = set(places)
    return QuotaWindow.objects.filter(key__in={key for key, _ in places}, begins__in={begins for _, begins in places})


def _locked(windows: Mapping[Place, Window], begins_with: Callable[[str, Window], int]) -> dict[Place, QuotaWindow]:
    """The rows of these windows, made where they are missing, and locked in one order for all."""
    query = _find(windows).select_for_update().order_by("pk")
    rows = {(row.key, row.begins): row for row in query}
    missing = sorted(set(windows) - set(rows))
    if missing:
        QuotaWindow.objects.bulk_create(
            [
                QuotaWindow(key=key, begins=window.start, ends=window.end, granted=begins_with(key, window))
                for key, window in ((place[0], windows[place]) for place in missing)
            ],
            ignore_conflicts=True,
        )
        rows = {(row.key, row.begins): row for row in query.all()}
    return {place: rows[place] for place in windows}


def _end_leases(holder: str, spent: Mapping[int, int] | None, which: Q) -> None:
    """Return what a dead holder has not spent, as far as `spent` says; connections are closed in any case."""
    with transaction.atomic():
        leases = LeaseRecord.objects.filter(which, holder=holder)
        windows = {
            row.pk: row
            for row in QuotaWindow.objects.filter(pk__in=leases.values("window_id")).select_for_update().order_by("pk")
        }
        for lease in leases.filter(window__in=list(windows)):
            window = windows[lease.window_id]
            gone = (spent or {}).get(lease.lease_id, lease.granted) if window.ends else 0
            window.granted -= lease.granted - min(gone, lease.granted)
        QuotaWindow.objects.bulk_update(windows.values(), ["granted"], batch_size=200)
        leases.filter(window__in=list(windows)).delete()
