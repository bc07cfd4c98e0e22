"""Who is connected to all workers, and who was: read by those whom it concerns, closed by those who may."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import Viewer, asks, require_role
from accounts.roles import Role
from core import audit
from core.errors import Conflict, Invalid
from gateway.close_codes import BY_OPERATOR
from gateway.connections.queries import open_among
from gateway.connections.verbs import CLOSING_ASKED
from gateway.models import ConnectionRecord

MOST_REASON = 123  # bytes of UTF-8 in a Close frame (RFC 6455 §5.5), less its code


class ConnectionHasEnded(Conflict):
    """It is closed already."""


class BadReason(Invalid):
    """The reason does not fit into a Close frame."""


def require_close(user: Viewer) -> None:
    """Ending connections, one's own too: their owner may only see them."""
    require_role(user, Role.PUBLISHER, to="Closing a connection")


can_close = asks(require_close)


@transaction.atomic
def close_connection(*, connection: ConnectionRecord, reason: str = "", actor: User, now: datetime) -> ConnectionRecord:
    """Have the worker that holds it close it with 4011 and this reason, within a second.

    Raises RoleRequired, BadReason (field `reason`), ConnectionHasEnded.
    """
    require_close(actor)
    words = reason.strip() or BY_OPERATOR.reason
    if not words.isprintable() or len(words.encode()) > MOST_REASON:
        sentence = f"A reason is one line of at most {MOST_REASON} bytes; this one has {len(words.encode())}."
        raise BadReason(sentence, {"reason": sentence})
    if not open_among(ConnectionRecord.objects.filter(pk=connection.pk), now).exists():
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
