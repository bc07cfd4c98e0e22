"""Who is connected to all workers, and who was: read by those whom it concerns, closed by those who may."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import Viewer, asks, require_role
from accounts.roles import Role
from core import audit
from core.errors import Conflict, Invalid
from core.rows import batches
from core.translating import gettext_noop
from gateway.close_codes import BY_OPERATOR
from gateway.connections.queries import open_among
from gateway.connections.verbs import CLOSING_ASKED, CLOSINGS_ASKED, DRAIN_ASKED
from gateway.models import ConnectionRecord

MOST_REASON = 123  # bytes of UTF-8 in a Close frame (RFC 6455 §5.5), less its code
BY_OWNER = "The owner of the application closed this connection."
NAMED_AT_ONCE = 200  # connections in one entry of the audit log
LONGEST_DRAIN = 3600


class ConnectionHasEnded(Conflict):
    """It is closed already."""


class BadReason(Invalid):
    """The reason does not fit into a Close frame."""


class BadDrain(Invalid):
    """A drain takes a number of seconds."""


def require_close(user: Viewer, connection: ConnectionRecord | None = None) -> None:
    """Ending a connection: a publisher anybody's, a developer that of an application of their own."""
    if connection and isinstance(user, User) and connection.owner_id == str(user.pk):
        require_role(user, Role.SUBSCRIBER, Role.PUBLISHER, to=gettext_noop("Closing a connection"))
    else:
        require_role(user, Role.PUBLISHER, to=gettext_noop("Closing a connection"))


can_close = asks(require_close)


@transaction.atomic
def close_connection(*, connection: ConnectionRecord, reason: str = "", actor: User, now: datetime) -> ConnectionRecord:
    """Have the worker that holds it close it with 4011 and this reason, within a second.

    Raises RoleRequired, BadReason (field `reason`), ConnectionHasEnded.
    """
    require_close(actor, connection)
    words = _checked(reason, default=BY_OPERATOR.reason if can_close(actor) else BY_OWNER)
    if not open_among(ConnectionRecord.objects.filter(pk=connection.pk), now).exists():
        raise ConnectionHasEnded(_("This connection has ended already."))
    audit.record(
        actor=actor,
        verb=CLOSING_ASKED,
        kind="connection",
        object_id=connection.pk,
        now=now,
        detail={"api_id": connection.api_id, "application_id": connection.application_id, "reason": words},
    )
    return connection


@transaction.atomic
def close_connections(
    *, connections: Sequence[ConnectionRecord], reason: str = "", actor: User, now: datetime
) -> Sequence[ConnectionRecord]:
    """Have all of these closed as `close_connection` does; of those that have ended meanwhile nothing comes.

    The audit log names every one. Raises RoleRequired, BadReason (field `reason`).
    """
    for connection in connections:
        require_close(actor, connection)
    words = _checked(reason, default=BY_OPERATOR.reason if can_close(actor) else BY_OWNER)
    for some in batches(connections, NAMED_AT_ONCE):
        apis, applications = {each.api_id for each in some}, {each.application_id for each in some}
        audit.record(
            actor=actor,
            verb=CLOSINGS_ASKED,
            kind="connection",
            object_id=some[0].api_id if len(apis) == 1 else "",
            now=now,
            detail={
                "connections": [each.pk for each in some],
                "api_ids": sorted(apis),
                "application_ids": sorted(applications),
                "reason": words,
            },
        )
    return connections


@transaction.atomic
def drain_api(*, api_id: str, seconds: float, actor: User, now: datetime) -> int:
    """Have all connections to an API closed with 1012, spread over so many seconds; how many there are.

    Clients may come back at once, to what is deployed by then; who has come after `now` stays. Raises RoleRequired,
    BadDrain (field `seconds`).
    """
    require_close(actor)
    if not 0 <= seconds <= LONGEST_DRAIN:
        sentence = f"Give from 0 to {LONGEST_DRAIN} seconds, over which connections are closed one after the other."
        raise BadDrain(sentence, {"seconds": sentence})
    number = open_among(ConnectionRecord.objects.filter(api_id=api_id), now).count()
    audit.record(
        actor=actor,
        verb=DRAIN_ASKED,
        kind="connection",
        object_id=api_id,
        now=now,
        detail={"api_id": api_id, "seconds": seconds, "before": now.timestamp(), "connections": number},
    )
    return number


def _checked(reason: str, *, default: str) -> str:
    words = reason.strip() or default
    if not words.isprintable() or len(words.encode()) > MOST_REASON:
        sentence = _("A reason is one line of at most %(most)s bytes; this one has %(size)s.") % {
            "most": MOST_REASON,
            "size": len(words.encode()),
        }
        raise BadReason(sentence, {"reason": sentence})
    return words
