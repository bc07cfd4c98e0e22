"""The rows of the audit log as a worker reads them, five times a second. Called on a thread of `gateway.database`."""

from __future__ import annotations

from typing import Any

from django.db import connection as database

from core.models import AuditEntry
from gateway.connections.verbs import CLOSING_ASKED, CLOSINGS_ASKED, DRAIN_ASKED, REAUTHENTICATION_ASKED
from gateway.control.feed import FeedCursor, FeedRow

TAIL_IDS = 1000
MOST_ROWS = 1000
Unread = tuple[dict[int, Any], list[FeedRow]]
ORDERS = frozenset({CLOSING_ASKED, CLOSINGS_ASKED, DRAIN_ASKED, REAUTHENTICATION_ASKED})


def read_tail() -> tuple[int, dict[int, Any]]:
    """Where to begin, and the rows from there on, as `FeedCursor` wants them."""
    newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    floor = max(0, newest - TAIL_IDS)
    return floor, rows_from(floor)


def read_unread(seen: FeedCursor) -> Unread | None:
    """What has not been read yet, and those rows as they were written; None when this is another log than was read.

    Of too many only the orders are read: no comparison finds them. One visit of the database.
    """
    unread = seen.unread(rows_from(seen.floor))
    if unread is None:
        return None
    return unread, read_rows(list(unread), only_orders=len(unread) > MOST_ROWS)


def read_rows(ids: list[int], *, only_orders: bool) -> list[FeedRow]:
    """These rows, their ids in ascending order."""
    if not ids:
        return []
    if only_orders:
        rows = AuditEntry.objects.filter(pk__range=(ids[0], ids[-1]), verb__in=ORDERS)
    else:
        rows = AuditEntry.objects.filter(pk__in=ids)
    wanted = set(ids)
    values = rows.order_by("pk").values_list("pk", "verb", "kind", "object_id", "detail")
    return [FeedRow(*each) for each in values if each[0] in wanted]


def rows_from(floor: int) -> dict[int, Any]:
    """The ids from `floor` on, ascending, with the moments at which they were written as the driver has them."""
    with database.cursor() as cursor:
        cursor.execute(_ROWS_FROM, [floor])
        return dict(cursor.fetchall())


# Asked five times a second, while frames pass: in words of its own, because making them costs more than asking.
_ROWS_FROM = f"SELECT id, at FROM {AuditEntry._meta.db_table} WHERE id >= %s ORDER BY id"  # noqa: S608
