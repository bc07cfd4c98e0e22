"""What fails: handshakes that were refused and connections that ended badly in the last week, alike ones together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from gateway.close_codes import FIRST_REGISTERED
from gateway.models import ConnectionRecord, RefusalRecord
from gateway.observability import remedies
from gateway.observability.remedies import Advice

DAYS = 7
MOST_GROUPS = 1000
ENDED_BY = {
    "client": gettext_noop("Ended by the client."),
    "backend": gettext_noop("Ended by the backend."),
    "gateway": gettext_noop("Ended by the gateway."),
}
MOST_LOOKED_THROUGH = 5000  # ended connections, for the last of each group


@dataclass(frozen=True, slots=True)
class Finding:
    """What happened `times` times, to one client, for one cause. `sentence` is what the client was told.

    `request_id` is of the last. API and application are empty where they are not known.
    """

    is_handshake: bool
    code: int
    status: int
    sentence: str
    advice: Advice
    api_id: str
    application_id: str
    client_ip: str
    times: int
    first: datetime
    last: datetime
    request_id: str


def findings(now: datetime, *, request_id: str = "", kind: str = "", **which: Any) -> list[Finding]:
    """What failed within the last week, the newest first. `which` narrows by columns that both logs have.

    With a `request_id`, what became of that request at any time: the id that its answer had, or that its client gave
    it. `kind` is `handshakes` or `closes`, or else both.
    """
    if request_id:
        refused = RefusalRecord.objects.filter(Q(request_id=request_id) | Q(attempt=request_id), **which)
        closed = ConnectionRecord.objects.filter(pk=request_id, ended_at__isnull=False, **which)
    else:
        since, codes = now - timedelta(days=DAYS), [code for code in remedies.CLOSED if code < FIRST_REGISTERED]
        refused = RefusalRecord.objects.filter(at__gte=since, **which)
        ended_badly = (
            Q(client_code__in=codes)
            | Q(backend_code__in=codes, ended_by="backend")
            | Q(client_code__in=remedies.CLOSED, ended_by="gateway")
        )
        closed = ConnectionRecord.objects.filter(ended_badly, ended_at__gte=since, **which)
    handshakes = () if kind == "closes" else _of_refusals(refused)
    closes = () if kind == "handshakes" else _of_closes(closed)
    return sorted([*handshakes, *closes], key=lambda each: each.last, reverse=True)[:MOST_GROUPS]


def _of_refusals(rows: QuerySet[RefusalRecord]) -> Iterator[Finding]:
    alike = ("code", "status", "description", "api_id", "application_id", "client_ip")
    groups = (
        rows.order_by()
        .values(*alike)
        .annotate(number=Sum("times"), first=Min(Coalesce("since", "at")), last=Max("at"), newest=Max("pk"))
        .order_by("-last")[:MOST_GROUPS]
    )
    found = list(groups)
    ids = dict(
        rows.model._default_manager.filter(pk__in=[each["newest"] for each in found]).values_list("pk", "request_id")
    )
    for each in found:
        yield Finding(
            is_handshake=True,
            code=each["code"],
            status=each["status"],
            sentence=each["description"],
            advice=remedies.REFUSED.get(each["code"], remedies.ELSE_REFUSED),
            api_id=each["api_id"],
            application_id=each["application_id"],
            client_ip=each["client_ip"],
            times=each["number"],
            first=each["first"],
            last=each["last"],
            request_id=ids.get(each["newest"], ""),
        )


def _of_closes(rows: QuerySet[ConnectionRecord]) -> Iterator[Finding]:
    alike = ("ended_by", "client_code", "backend_code", "reason", "api_id", "application_id", "client_ip")
    groups = (
        rows.order_by()
        .values(*alike)
        .annotate(number=Count("pk"), first=Min("ended_at"), last=Max("ended_at"), some=Max("pk"))
        .order_by("-last")[:MOST_GROUPS]
    )
    newest: dict[Any, str] = {}
    for *like, name in rows.order_by("-ended_at").values_list(*alike, "pk")[:MOST_LOOKED_THROUGH]:
        newest.setdefault(tuple(like), name)
    for each in groups:
        by_backend = each["ended_by"] == "backend"
        code = each["backend_code"] if by_backend else each["client_code"]
        yield Finding(
            is_handshake=False,
            code=code or 1006,
            status=0,
            sentence=each["reason"] or _(ENDED_BY.get(each["ended_by"], ENDED_BY["gateway"])),
            advice=remedies.CLOSED.get(code or 1006, remedies.CLOSED[1006]),
            api_id=each["api_id"],
            application_id=each["application_id"],
            client_ip=each["client_ip"],
            times=each["number"],
            first=each["first"],
            last=each["last"],
            request_id=newest.get(tuple(each[name] for name in alike), each["some"]),
        )
