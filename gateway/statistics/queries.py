"""What passed and what happened in a span of time: step by step, by what it has in common, and how long things took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import F, Q, QuerySet, Sum

from gateway.models import EventFigures, TrafficFigures
from gateway.statistics import spans
from gateway.statistics.events import BOUNDS, LONGER
from gateway.statistics.figures import SECONDS, STATEMENTS, SUMS
from gateway.statistics.spans import TimeSpan

DIMENSIONS: Final = ("api_id", "application_id", "topic", "plan", "key_type", "worker")
PERCENTILES: Final = (50, 95, 99)
MOST_ROWS = 50


@dataclass(slots=True)
class SeriesStep:
    """One step of a span: sums of what passed in it, and what was refused."""

    begins: datetime
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*SUMS, "refused"), 0))


def figures_since(model: type[TrafficFigures | EventFigures], moment: int, which: Q) -> QuerySet[Any]:
    """What passed, or happened, since a moment in seconds since the epoch.

    What figures are alike in is named as if it stood with them.
    """
    alike = {name: F(f"likeness__{name}") for name in STATEMENTS[model].alike}
    rows = model._default_manager.annotate(**alike).order_by()
    return rows.filter(which, period__in=SECONDS, begins__gte=moment)


def series(span: TimeSpan, now: datetime, zone: ZoneInfo, which: Q) -> list[SeriesStep]:
    """SeriesStep by step. `which` narrows by columns that both tables have."""
    steps = [SeriesStep(moment) for moment in span.begins(now, zone)]
    moments = [step.begins for step in steps]
    since = int(moments[0].timestamp())
    traffic = figures_since(TrafficFigures, since, which).order_by("begins").values("begins")
    rows = [
        (begins, dict(zip(SUMS, sums, strict=True))) for begins, *sums in traffic.values_list("begins", *map(Sum, SUMS))
    ]
    for (_, sums), place in zip(rows, spans.places(moments, [begins for begins, _ in rows]), strict=True):
        for name in SUMS:
            steps[place].sums[name] += sums[name]
    refusals = figures_since(EventFigures, since, which).filter(kind="refusal").order_by("begins").values("begins")
    refused = list(refusals.annotate(times=Sum("number")))
    for row, place in zip(refused, spans.places(moments, [row["begins"] for row in refused]), strict=True):
        steps[place].sums["refused"] += row["times"]
    return steps


def total(steps: list[SeriesStep]) -> dict[str, int]:
    """All steps together."""
    return {name: sum(step.sums[name] for step in steps) for name in (*SUMS, "refused")}


def by(dimension: str, since: datetime, which: Q) -> list[dict[str, Any]]:
    """What passed by one of DIMENSIONS, most messages first; `name` is its value."""
    rows = figures_since(TrafficFigures, int(since.timestamp()), which).values(dimension)
    found = [
        {"name": name, **dict(zip(SUMS, sums, strict=True))}
        for name, *sums in rows.values_list(dimension, *map(Sum, SUMS))
    ]
    found = [row for row in found if any(row[name] for name in SUMS)]
    return sorted(found, key=lambda row: row["messages_in"] + row["messages_out"], reverse=True)[:MOST_ROWS]


def events(kind: str, since: datetime, which: Q) -> list[tuple[str, int]]:
    """How often what happened of a kind, the most frequent first."""
    rows = figures_since(EventFigures, int(since.timestamp()), which).filter(kind=kind).values("name")
    counted = rows.annotate(times=Sum("number")).values_list("name", "times")
    return sorted(((name, times) for name, times in counted if times), key=lambda each: -each[1])[:MOST_ROWS]


def failures(since: datetime, bad: Container[int]) -> dict[str, tuple[int, int]]:
    """By API, how many clients were refused, and how many connections ended with a `bad` code."""
    rows = figures_since(EventFigures, int(since.timestamp()), Q(kind__in=("refusal", "close")))
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for api_id, kind, name, times in rows.values_list("api_id", "kind", "name").annotate(times=Sum("number")):
        code = name.rpartition(" ")[2]
        if kind == "refusal":
            found[api_id][0] += times
        elif code.isdigit() and int(code) in bad:
            found[api_id][1] += times
    return {api_id: (refused, ended) for api_id, (refused, ended) in found.items() if api_id and refused + ended}


def latencies(since: datetime, which: Q) -> dict[str, dict[int, str]]:
    """Percentiles of dials and handshakes, in words: the bound that so many per cent stay under."""
    found: dict[str, dict[int, str]] = {}
    for kind in ("dial", "handshake"):
        counts: Mapping[str, int] = defaultdict(int, events(kind, since, which))
        if sum(counts.values()):
            found[kind] = {percent: _bound(counts, percent) for percent in PERCENTILES}
    return found


def _bound(counts: Mapping[str, int], percent: int) -> str:
    wanted, seen = sum(counts.values()) * percent / 100, 0
    for bound in BOUNDS:
        seen += counts[str(bound)]
        if seen >= wanted:
            return f"{bound} ms" if bound < BOUNDS[9] else f"{bound // 1000} s"
    return f"{LONGER} than {BOUNDS[-1] // 1000} s"
