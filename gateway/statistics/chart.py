"""A few lines of numbers as a drawing of SVG, which needs no script, prints, and follows the theme. Pure.

The table behind it says the same in words: a drawing is for the eye alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

WIDTH, HEIGHT = 640, 160
TICKS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its name, what it says, the points of its line and of the ground under it."""

    label: str
    values: tuple[float, ...]
    points: str
    ground: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same steps. `ticks` are heights and the numbers there, `labels` what stands under the drawing, and
    `rows` the table behind it, the newest first."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, float], ...]
    labels: tuple[str, str, str]
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    is_empty: bool


def draw(title: str, unit: str, steps: Sequence[str], series: Sequence[tuple[str, Sequence[float]]]) -> Chart:
    """A chart of these series, each with one value a step."""
    most = max((value for _, values in series for value in values), default=0)
    top = float(TICKS)
    if most > TICKS:  # the next number that divides well by TICKS: 8, 20, 40, 80, 200 …
        scale = 10.0 ** floor(log10(most))
        top = next(factor * scale for factor in (1, 2, 4, 8, 10, 20) if factor * scale >= ceil(most))
    lines = []
    for label, values in series:
        across = WIDTH / max(1, len(values) - 1)
        points = " ".join(f"{at * across:.1f},{HEIGHT * (1 - value / top):.1f}" for at, value in enumerate(values))
        lines.append(Line(label, tuple(values), points, f"0,{HEIGHT} {points} {WIDTH},{HEIGHT}"))
    ticks = tuple((HEIGHT * (1 - at / TICKS), top * at / TICKS) for at in range(TICKS + 1))
    labels = steps[0], steps[len(steps) // 2], steps[-1]
    rows = zip(steps, zip(*(line.values for line in lines), strict=True), strict=True)
    return Chart(title, unit, tuple(lines), ticks, labels, tuple(rows)[::-1], is_empty=most == 0)
