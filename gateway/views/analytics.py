"""What passed and what happened: of an API, of all of them, of an application, of the installation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_safe

from accounts.access import current_user, requires
from accounts.roles import PUBLISHER_PORTAL, Role
from core import database_clock
from devportal.queries import application_for, names_of_applications
from gateway.connections.queries import live_by, living_workers
from gateway.observability import remedies
from gateway.observability.aggregator import Aggregator, merged
from gateway.observability.health import health_of
from gateway.quotas.stores import unreachable
from gateway.statistics import chart, queries, spans, usage
from gateway.statistics.chart import Chart
from gateway.statistics.figures import SUMS
from gateway.statistics.queries import SeriesStep
from gateway.statistics.spans import SPANS, TimeSpan
from gateway.views.csv_answer import csv_answer
from publisher.queries import get_api_for, names_of_apis

ZONE_COOKIE: Final = "apim-zone"
TITLES: Final = {
    "api_id": gettext_noop("APIs"),
    "application_id": gettext_noop("Applications"),
    "topic": gettext_noop("Topics"),
    "plan": gettext_noop("Business plans"),
    "key_type": gettext_noop("Key types"),
    "worker": gettext_noop("Workers, of the last two hours"),
}


DIRECTIVES: Final = {"%a": "D", "%b": "M", "%d": "d", "%H": "H", "%M": "i", "%Y": "Y"}
"""What Django calls the directives of strftime that `spans` writes moments with."""
GONE: Final = ("api_id", "application_id")  # what may be deleted, and then has no name


ORDINARY: Final = {
    "1000": gettext_noop("Ended as agreed"),
    "1001": gettext_noop("Went away"),
    "1005": gettext_noop("Ended without a code"),
    "1012": gettext_noop("Restarted or drained"),
    "4011": gettext_noop("Closed by an operator or the owner"),
}
BY: Final = {
    "client": gettext_noop("%(code)s by the client"),
    "backend": gettext_noop("%(code)s by the backend"),
    "gateway": gettext_noop("%(code)s by the gateway"),
}


@require_safe
@requires()
def api_analytics(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What passed through one API."""
    api = get_api_for(current_user(request), pk)
    live = live_by("api_id", api_id=str(api.pk)).get(str(api.pk), 0)
    by = ("application_id", "topic", "plan", "key_type")
    return _page(request, Q(api_id=str(api.pk)), by, live=live, layout="layouts/publisher_api.html", api=api)


@require_safe
@requires(*PUBLISHER_PORTAL)
def all_apis(request: HttpRequest) -> HttpResponse:
    """What passed through all APIs."""
    near = []
    with suppress(*unreachable()):  # of a store that is away the usage pages say so
        near = usage.near_a_limit(database_clock.now())
    return _page(request, Q(), ("application_id",), near=near, layout="layouts/publisher.html")


@require_safe
@requires(Role.SUBSCRIBER)
def application_analytics(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What one's own application did; `api` narrows to one subscription."""
    application = application_for(current_user(request), pk)
    which, api_id = Q(application_id=str(application.pk)), request.GET.get("api", "")
    if api_id:
        which &= Q(api_id=api_id)
    live = sum(live_by("api_id", application_id=str(application.pk)).values())
    layout = "devportal/applications/layout.html"
    return _page(request, which, ("api_id", "topic", "key_type"), live=live, layout=layout, application=application)


@require_safe
@requires(Role.ADMIN)
def installation(request: HttpRequest) -> HttpResponse:
    """The whole installation, and how its workers fare."""
    by, layout = ("application_id", "worker"), "layouts/admin.html"
    return _page(request, Q(), by, layout=layout, workers=_workers(), is_installation=True)


def _page(
    request: HttpRequest, which: Q, by: Iterable[str], *, live: int | None = None, **context: Any
) -> HttpResponse:
    """Where `live` is not given it is all APIs that are looked at, and each is told of."""
    name = request.GET.get("span", "")
    span = SPANS.get(name) or SPANS[spans.DEFAULT]
    zone, now = spans.zone_of(unquote(request.COOKIES.get(ZONE_COOKIE, "UTC"))), database_clock.now()
    steps = queries.series(span, now, zone, which)
    if request.GET.get("format") == "csv":
        names = (*SUMS, "refused")
        rows = ([step.begins.isoformat(), *(step.sums[name] for name in names)] for step in steps)
        return csv_answer("analytics", ["begins", *names], rows)
    since, total = steps[0].begins, queries.total(steps)
    open_now = live_by("api_id") if live is None else {}
    everywhere = {
        "span": name if name in SPANS else spans.DEFAULT,
        "spans": SPANS,
        "zone": zone.key,
        "live": sum(open_now.values()) if live is None else live,
        "apis": _apis(open_now, since, now) if live is None else [],
        "total": total,
        "minutes": total["milliseconds"] // 60_000,
        "charts": _charts(steps, span),
        "tables": [(_(TITLES[each]), *_table(each, since, which)) for each in by],
        "closes": _ends("close", since, which),
        "refusals": _ends("refusal", since, which),
        "latencies": queries.latencies(since, which),
    }
    return render(request, "gateway/analytics/page.html", {**everywhere, **context})


def _charts(steps: list[SeriesStep], span: TimeSpan) -> list[Chart]:
    begins = [step.begins for step in steps]
    line = {name: [step.sums[name] for step in steps] for name in steps[0].sums}
    minutes = [each / 60_000 for each in line["milliseconds"]]
    drawn: list[tuple[str, str, list[tuple[str, Sequence[float]]]]] = [
        (_("Messages"), "messages", [(_("In"), line["messages_in"]), (_("Out"), line["messages_out"])]),
        (_("Connections"), "connections", [(_("Opened"), line["opened"]), (_("Refused"), line["refused"])]),
        (_("Bytes"), chart.BYTES, [(_("In"), line["bytes_in"]), (_("Out"), line["bytes_out"])]),
        (_("Connection-minutes"), "minutes", [(_("Minutes"), minutes)]),
    ]
    return [chart.draw(title, unit, span, begins, series, _said) for title, unit, series in drawn]


def _said(moment: datetime, written: str) -> str:
    """What strftime says, in the language of the page."""
    return re.sub("%[a-zA-Z]", lambda found: date_format(moment, DIRECTIVES[found[0]]), _(written))


def _apis(open_now: dict[str, int], since: datetime, now: datetime) -> list[dict[str, Any]]:
    """How each API fares: those that fail most first, then those over which most passes."""
    rows = {row["name"]: row for row in queries.by("api_id", since, Q())}
    failures = queries.failures(since, remedies.CLOSED)
    found = []
    for pk in {*rows, *failures, *open_now}:
        refused, ended_badly = failures.get(pk, (0, 0))
        passed = [rows[pk][name] if pk in rows else 0 for name in ("opened", "messages_in", "messages_out")]
        told = {"id": pk, "open": open_now.get(pk, 0), "opened": passed[0], "messages": sum(passed[1:])}
        found.append({**told, "refused": refused, "ended_badly": ended_badly})
    found.sort(key=lambda row: (-row["refused"] - row["ended_badly"], -row["messages"], row["id"]))
    shown = found[: queries.MOST_ROWS]
    ids = [row["id"] for row in shown]
    names, fares = names_of_apis(ids), health_of(ids, now, now)
    for row in shown:
        row["name"] = names.get(row["id"], "")
        row["suspended"] = [each for each in fares[row["id"]].troubles if each.until and each.until > now]
    return shown


def _table(dimension: str, since: datetime, which: Q) -> tuple[str, list[dict[str, Any]]]:
    """The dimension, and its rows with names that people know."""
    rows = queries.by(dimension, since, which)
    if dimension == "worker":
        rows = [row for row in rows if row["name"]]
    naming: dict[str, Callable[[Iterable[str]], dict[str, str]]] = {
        "api_id": names_of_apis,
        "application_id": names_of_applications,
        "worker": lambda ids: {
            str(each.pk): f"{each.host}, {each.pid}" for each in living_workers(database_clock.now())
        },
    }
    names = naming[dimension]([row["name"] for row in rows]) if dimension in naming else {}
    for row in rows:
        row["id"], row["known"] = row["name"], row["name"] in names
        row["name"] = names.get(row["id"], _("deleted") if dimension in GONE else row["id"])
        if dimension == "key_type":
            row["name"] = row["name"].lower()
        row["messages"] = row["messages_in"] + row["messages_out"]
        row["minutes"] = row["milliseconds"] // 60_000
    return dimension, rows


def _ends(kind: str, since: datetime, which: Q) -> list[tuple[str, str, int]]:
    """Closes or refusals: the code as it is told, the cause, how often. Names are `client 1000` and `401 900901`."""
    told = []
    for name, times in queries.events(kind, since, which):
        first, __, code = name.partition(" ")
        if kind == "refusal":
            told.append((f"{first} · {code}", remedies.REFUSED.get(int(code), remedies.ELSE_REFUSED).cause, times))
        else:
            known = remedies.CLOSED.get(int(code)) if code.isdigit() else None
            cause = known.cause if known else ORDINARY.get(code, gettext_noop("A code of its own"))
            by = _(BY[first]) % {"code": code} if first in BY else name
            told.append((by, cause, times))
    return told


def _workers() -> list[dict[str, Any]]:
    """The workers of this machine as they reported last; nothing where no metrics are kept."""
    if not settings.METRICS_FOLDER:
        return []
    found = []
    for report in Aggregator(settings.METRICS_FOLDER).read():
        if "pid" not in report:
            continue
        began = report["process"]
        found.append(
            {
                "pid": report["pid"],
                "connections": sum(number for _, number in report["connections"]),
                "memory": began.get("resident_memory_bytes", 0),
                "cpu": timedelta(seconds=int(began.get("cpu_seconds", 0))),
                "lag": _percentile(merged([report], "lag")[0][1]),
                "store": _percentile(merged([report], "store")[0][1]),
                "failures": report["store_failures"],
                "feed": round(began.get("feed_age_seconds", 0), 1),
            }
        )
    return found


def _percentile(histogram: dict[str, Any], percent: int = 99) -> str:
    wanted, seen = sum(histogram["counts"]) * percent / 100, 0
    for bound, count in zip(histogram["bounds"], histogram["counts"], strict=False):
        seen += count
        if seen >= wanted:
            return f"{bound * 1000:g} ms" if wanted else "–"
    return f"over {histogram['bounds'][-1]:g} s"
