"""Which connections there are and were, on all workers, for those whom they concern."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet

from accounts.consequences import Holdings
from accounts.models import User
from core import database_clock
from core.errors import NotFound
from gateway.connections.heartbeat import STALE_SECONDS
from gateway.models import ConnectionRecord, WorkerRecord
from publisher import permissions as publishing


class ConnectionNotFound(NotFound):
    """There is no such connection, or it is somebody else's."""


def connections_for(user: User) -> QuerySet[ConnectionRecord]:
    """The connections that the user may know of, the newest first: all in the Publisher, else their own."""
    rows = ConnectionRecord.objects.order_by("-started_at", "pk")
    return rows if publishing.can_enter(user) else rows.filter(owner_id=str(user.pk))


def living_workers(now: datetime) -> QuerySet[WorkerRecord]:
    """The gateway's processes that live, on all machines."""
    return WorkerRecord.objects.filter(seen_at__gte=now - timedelta(seconds=STALE_SECONDS))


def open_among(rows: QuerySet[ConnectionRecord], now: datetime) -> QuerySet[ConnectionRecord]:
    """Those that are open, on a worker that lives. News of opening and ending takes a second to be written."""
    return rows.filter(ended_at=None, worker_id__in=living_workers(now).values("pk"))


def holdings_of(user: User) -> Holdings:
    """What hangs on a person here: the connections of their applications that are open now."""
    theirs = ConnectionRecord.objects.filter(owner_id=str(user.pk))
    return Holdings(live_connections=open_among(theirs, database_clock.now()).count())


def live_by(by: str, *, different: str = "pk", **which: Any) -> dict[str, int]:
    """How many connections are open now, by a column: `api_id`, `application_id` or `token_id`. `which` narrows.

    Where `different` names another column, not connections are counted but what stands in it, each once.
    """
    rows = open_among(ConnectionRecord.objects.filter(**which), database_clock.now()).order_by()
    return dict(rows.values_list(by).annotate(number=Count(different, distinct=different != "pk")))


def last_opened_with(token_ids: Sequence[str]) -> dict[str, datetime]:
    """When a connection that rests on each of these tokens was last opened, as far as the log goes back. One query."""
    rows = ConnectionRecord.objects.filter(token_id__in=token_ids).order_by()
    return dict(rows.values_list("token_id").annotate(last=Max("started_at")))


def get_connection_for(user: User, connection_id: str) -> ConnectionRecord:
    """One connection. Raises ConnectionNotFound."""
    row = connections_for(user).filter(pk=connection_id).first()
    if row is None:
        raise ConnectionNotFound("There is no such connection.")
    return row
