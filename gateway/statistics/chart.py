"""A few lines of numbers as a drawing of SVG, which needs no script, prints, and follows the theme. Pure.

The table behind it says the same in words: a drawing is for the eye, and `static/js/chart.js` reads the table out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10
from typing import Final

from core.text import spaced
from gateway.statistics.spans import TimeSpan

WIDTH, HEIGHT = 640, 160
TICKS = 4
BYTES: Final = "bytes"
BYTE_UNITS: Final = ("bytes", "KB", "MB", "GB", "TB", "PB")
SHORT: Final = ((10**9, 10**9, "bn"), (10**6, 10**6, "M"), (10**4, 10**3, "k"))  # from which on, in what, and its sign


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its name, what it says, the points of its line and of the ground under it."""

    label: str
    values: tuple[float, ...]
    points: str
    ground: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same steps. `ticks` are heights and words, `marks` per cent of the width, moments and words."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, datetime, str], ...]
    steps: tuple[tuple[datetime, str], ...]
    is_empty: bool

    @property
    def rows(self) -> list[tuple[datetime, str, tuple[float, ...]]]:
        """The table behind it, the newest first."""
        columns = [line.values for line in self.lines]
        return [(*self.steps[at], tuple(values[at] for values in columns)) for at in reversed(range(len(self.steps)))]


def draw(
    title: str,
    unit: str,
    span: TimeSpan,
    begins: Sequence[datetime],
    series: Sequence[tuple[str, Sequence[float]]],
    say: Callable[[datetime, str], str] = datetime.strftime,
) -> Chart:
    """A chart of these series, each with one value for each step of the span; `say` writes moments, like strftime."""
    most = max((value for _, values in series for value in values), default=0)
    step, count = _divided(most, unit)
    top, across = step * count, WIDTH / max(1, len(begins) - 1)
    lines = []
    for label, values in series:
        points = " ".join(f"{at * across:.1f},{HEIGHT * (1 - value / top):.1f}" for at, value in enumerate(values))
        lines.append(Line(label, tuple(values), points, f"0,{HEIGHT} {points} {WIDTH},{HEIGHT}"))
    return Chart(
        title,
        unit,
        tuple(lines),
        tuple((round(HEIGHT * (1 - at / count)), tick(step * at, top, unit)) for at in range(count + 1)),
        tuple(
            (round(100 * at / (len(begins) - 1), 2), begins[at], say(begins[at], span.marked))
            for at in range(1, len(begins))
            if span.mark(begins[at]) != span.mark(begins[at - 1])
        ),
        tuple((moment, say(moment, span.written)) for moment in begins),
        is_empty=most == 0,
    )


def tick(value: float, top: float, unit: str) -> str:
    """A number of the axis that ends at `top`, in the unit of the whole axis: 0, 250 KB; 400, 12.5k, 2M."""
    if unit == BYTES:
        power = _power(top)
        return f"{value / 1024**power:g} {BYTE_UNITS[power]}" if value else "0"
    size, sign = next(((size, sign) for least, size, sign in SHORT if top >= least), (1, ""))
    return f"{value / size:g}{sign}" if sign and value else spaced(round(value))


def _divided(most: float, unit: str) -> tuple[float, int]:
    """The step of an axis, 1, 2 or 5 times a power of ten, and how many of them reach `most`: TICKS at most.

    Bytes are divided so in the unit that they are told in. What is counted has no halves.
    """
    size = 1024 ** _power(most) if unit == BYTES else 1
    least = max(most / size, 1) / TICKS
    scale = 10.0 ** floor(log10(least))
    step = next(factor * scale for factor in (1, 2, 5, 10) if round(factor * scale, 9) >= least)
    step = max(step, 1) if size == 1 else step
    return step * size, max(1, ceil(round(most / size / step, 9)))


def _power(octets: float) -> int:
    return min(floor(log10(octets) / log10(1024) + 1e-9), len(BYTE_UNITS) - 1) if octets >= 1 else 0
