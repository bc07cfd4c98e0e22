"""Who is on the line on all workers, and who was: read by those whom it concerns, closed by those who may."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from core import audit
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from gateway.closing import BY_OPERATOR
from gateway.heartbeat import STALE_SECONDS
from gateway.models import Connection, Worker
from gateway.trail import CLOSING_ASKED
from publisher import permissions as publishing

MOST_REASON = 123  # bytes of UTF-8 in a Close frame (RFC 6455 §5.5), less its code


class ConnectionNotFound(NotFound):
    """There is no such connection, or it is somebody else's."""


class ConnectionHasEnded(Conflict):
    """It is closed already."""


class NotYours(NotAllowed):
    """Its owner may see it, and only a publisher may close it."""


class BadReason(Invalid):
    """The reason does not fit into a Close frame."""


def connections_for(user: User) -> QuerySet[Connection]:
    """The connections that the user may know of, the newest first: all in the Publisher, else their own."""
    rows = Connection.objects.order_by("-started_at", "pk")
    return rows if publishing.can_enter(user) else rows.filter(owner_id=str(user.pk))


def open_among(rows: QuerySet[Connection], now: datetime) -> QuerySet[Connection]:
    """Those that are open, on a worker that lives. News of opening and ending takes a second to be written."""
    living = Worker.objects.filter(seen_at__gte=now - timedelta(seconds=STALE_SECONDS)).values("pk")
    return rows.filter(ended_at=None, worker_id__in=living)


def get_connection_for(user: User, connection_id: str) -> Connection:
    """One connection. Raises ConnectionNotFound."""
    row = connections_for(user).filter(pk=connection_id).first()
    if row is None:
        raise ConnectionNotFound("There is no such connection.")
    return row


def can_close(user: User) -> bool:
    """Whether the user may end other people's connections."""
    return user.has_role(Role.PUBLISHER)


@transaction.atomic
def close_connection(*, connection: Connection, reason: str = "", actor: User, now: datetime) -> Connection:
    """Have the worker that holds it close it with 4011 and this reason, within a second.

    Raises NotYours, BadReason (field `reason`), ConnectionHasEnded.
    """
    if not can_close(actor):
        raise NotYours("Only a publisher may close a connection. Ask somebody with that role, or an administrator.")
    words = _clean_reason(reason)
    if not open_among(Connection.objects.filter(pk=connection.pk), now).exists():
        raise ConnectionHasEnded("This connection has ended already.")
    audit.record(
        actor=actor,
        verb=CLOSING_ASKED,
        kind="connection",
        object_id=connection.pk,
        now=now,
        detail={"api_id": connection.api_id, "application_id": connection.application_id, "reason": words},
    )
    return connection


def _clean_reason(reason: str) -> str:
    words = reason.strip() or BY_OPERATOR.reason
    if not words.isprintable() or len(words.encode()) > MOST_REASON:
        sentence = f"A reason is one line of at most {MOST_REASON} bytes; this one has {len(words.encode())}."
        raise BadReason(sentence, {"reason": sentence})
    return words


def ends_soon(connection: Connection, seconds: float) -> bool:
    """Whether an open connection will be closed within so many seconds unless its client renews its token."""
    return connection.ended_at is None and connection.expires_at - timezone.now() <= timedelta(seconds=seconds)
