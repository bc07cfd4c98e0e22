"""The leases in the database: for one host, and for small clusters on one PostgreSQL.

The rows of the windows asked for are locked (on SQLite: the database), the terms are worked out here by
`gateway.quotas.rules.decide`, and all is saved, in one short transaction for a whole batch of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.db import connection, transaction
from django.db.models import F, Q, Sum

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
# Asked while frames pass, again and again: in words of its own, because making them costs more than asking.
_CONTENDED = f"""
    SELECT lease.serial FROM {LeaseRecord._meta.db_table} lease
    JOIN {QuotaWindow._meta.db_table} quota ON quota.id = lease.window_id
    WHERE lease.holder = %s AND quota.wanted_at > %s AND lease.reported_at < quota.wanted_at
    AND (quota.ends = 0 AND lease.granted > 0 OR quota.ends > 0 AND lease.granted > lease.spent)
"""  # noqa: S608
_SCHEDULES = f"SELECT key, booked_until FROM {RateSchedule._meta.db_table} WHERE key"  # noqa: S608
_NEW_SCHEDULE = f"INSERT INTO {RateSchedule._meta.db_table} (key, booked_until) VALUES (%s, 0) ON CONFLICT DO NOTHING"  # noqa: S608
_RESERVE = f"UPDATE {RateSchedule._meta.db_table} SET booked_until = %s WHERE key = %s"  # noqa: S608
_LIVING = f"SELECT name FROM {LeaseHolder._meta.db_table} WHERE seen_at > %s"  # noqa: S608
_LEASE = ("window_id", "holder", "serial", "granted", "spent", "reported_at", "turn")
_LEASES = f"SELECT {', '.join(_LEASE)} FROM {LeaseRecord._meta.db_table} WHERE window_id"  # noqa: S608
_KEEP_LEASE = f"""
    INSERT INTO {LeaseRecord._meta.db_table} ({", ".join(_LEASE)}) VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (holder, serial) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _LEASE[3:])}
"""  # noqa: S608
_WINDOWS = f"SELECT id, key, begins, ends, granted, wanted_at FROM {QuotaWindow._meta.db_table}"  # noqa: S608
_KEEP_WINDOW = f"UPDATE {QuotaWindow._meta.db_table} SET granted = %s, wanted_at = %s WHERE id = %s"  # noqa: S608
_BEAT = f"UPDATE {LeaseHolder._meta.db_table} SET seen_at = %s WHERE name = %s AND seen_at >= %s"  # noqa: S608


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
        keys = sorted({reservation.key for reservation in reservations})
        with transaction.atomic(), connection.cursor() as cursor:
            marks, lock = ", ".join(["%s"] * len(keys)), " FOR UPDATE" if connection.vendor == "postgresql" else ""
            question = f"{_SCHEDULES} IN ({marks}) ORDER BY key{lock}"
            cursor.execute(question, keys)
            until = dict(cursor.fetchall())
            if missing := [key for key in keys if key not in until]:
                cursor.executemany(_NEW_SCHEDULE, [(key,) for key in missing])
                cursor.execute(question, keys)
                until = dict(cursor.fetchall())
            reserved = []
            for reservation in reservations:
                until[reservation.key], answer = schedule(until[reservation.key], reservation, now)
                reserved.append(answer)
            cursor.executemany(_RESERVE, [(until[key], key) for key in keys])
        return reserved

    def contended(self, holder: str, now: float) -> list[int]:
        """Those of this holder's leases that somebody else is waiting for."""
        with connection.cursor() as cursor:
            cursor.execute(_CONTENDED, [holder, now - PRESSING_SECONDS])
            return [lease_id for (lease_id,) in cursor.fetchall()]

    def beat(self, holder: str, now: float) -> bool:
        """Say that a holder lives; whether that was known."""
        with connection.cursor() as cursor:
            cursor.execute(_BEAT, [now, holder, now - GONE_SECONDS])
            if cursor.rowcount:
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
        # These, and perhaps other periods of the same quotas.
        rows = QuotaWindow.objects.filter(
            key__in={key for key, _ in places}, begins__in={begins for _, begins in places}
        )
        found = {place: QuotaWindow(granted=0) for place in places} | {
            (row.key, row.begins): row for row in rows.prefetch_related("leases")
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
        with connection.cursor() as cursor:
            cursor.execute(_LIVING, [now - LIVING_SECONDS])
            living = {name for (name,) in cursor.fetchall()}
            if places:
                cursor.execute(f"{_LEASES} IN ({', '.join(['%s'] * len(places))})", list(places))
                for window_id, name, lease_id, granted, spent, reported_at, sequence in cursor.fetchall():
                    lease = StoredLease(name, lease_id, granted, spent, reported_at, sequence, name in living)
                    self._leases[places[window_id]][name, lease_id] = lease
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
        changed = [
            (state.granted, state.contended_at, row.pk)
            for place, state in self._windows.items()
            if ((row := self._rows[place]).granted, row.contended_at) != (state.granted, state.contended_at)
        ]
        leases = [
            (
                self._rows[place].pk,
                each.holder,
                each.lease_id,
                each.granted,
                each.spent,
                each.reported_at,
                each.sequence,
            )
            for place, each in self._changed.values()
        ]
        with connection.cursor() as cursor:
            if changed:
                cursor.executemany(_KEEP_WINDOW, changed)
            if self._ended:
                LeaseRecord.objects.filter(holder=self._holder, lease_id__in=self._ended).delete()
            if leases:
                cursor.executemany(_KEEP_LEASE, leases)


def _locked(windows: Mapping[Place, Window], begins_with: Callable[[str, Window], int]) -> dict[Place, QuotaWindow]:
    """The rows of these windows, made where they are missing, and locked in one order for all."""
    keys, begins = {key for key, _ in windows}, {begins for _, begins in windows}
    among = (f"({', '.join(['%s'] * len(values))})" for values in (keys, begins))
    lock = " FOR UPDATE" if connection.vendor == "postgresql" else ""
    question = "{} WHERE key IN {} AND begins IN {} ORDER BY id{}".format(_WINDOWS, *among, lock)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(question, [*keys, *begins])
            rows = {(key, since): QuotaWindow(pk, key, since, *rest) for pk, key, since, *rest in cursor.fetchall()}
        if not (missing := sorted(set(windows) - set(rows))):
            return {place: rows[place] for place in windows}
        QuotaWindow.objects.bulk_create(
            [
                QuotaWindow(key=key, begins=window.start, ends=window.end, granted=begins_with(key, window))
                for key, window in ((place[0], windows[place]) for place in missing)
            ],
            ignore_conflicts=True,
        )


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
