"""How a chart divides its axes, and what it says at each step."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.statistics import chart
from gateway.statistics.spans import SPANS

NOW = datetime(2026, 11, 27, 17, 8, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("unit", "most", "words"),
    [
        ("messages", 0, ["0", "1"]),
        ("messages", 1, ["0", "1"]),
        ("messages", 3, ["0", "1", "2", "3"]),
        ("messages", 37, ["0", "10", "20", "30", "40"]),
        ("messages", 8000, ["0", "2 000", "4 000", "6 000", "8 000"]),
        ("messages", 12_814, ["0", "5k", "10k", "15k"]),
        ("messages", 7_654_321, ["0", "2M", "4M", "6M", "8M"]),
        ("minutes", 0.7, ["0", "1"]),
        ("bytes", 700, ["0", "200 bytes", "400 bytes", "600 bytes", "800 bytes"]),
        ("bytes", 3 << 19, ["0", "0.5 MB", "1 MB", "1.5 MB"]),
        ("bytes", 9_876_543_210, ["0", "5 GB", "10 GB"]),
    ],
)
def test_an_axis_goes_by_one_two_or_five_in_units_that_people_read(unit: str, most: float, words: list[str]) -> None:
    begins = SPANS["hour"].begins(NOW, BERLIN)
    drawn = chart.draw("Any", unit, SPANS["hour"], begins, [("In", [most] * 60)])
    assert [word.replace("\N{NARROW NO-BREAK SPACE}", " ") for _, word in drawn.ticks] == words
    assert drawn.is_empty == (most == 0)
    assert {float(point.split(",")[1]) >= 0 for point in drawn.lines[0].points.split()} == {True}  # nothing sticks out


@pytest.mark.parametrize(
    ("span", "marks"),
    [
        ("hour", ["17:10", "17:20", "17:30", "17:40", "17:50", "18:00"]),
        ("day", ["20:00", "00:00", "04:00", "08:00", "12:00", "16:00"]),
        ("week", ["Sat 21", "Sun 22", "Mon 23", "Tue 24", "Wed 25", "Thu 26", "Fri 27"]),
        ("month", ["02 Nov", "09 Nov", "16 Nov", "23 Nov"]),
    ],
)
def test_marks_stand_at_round_moments_of_the_viewers_time_zone(span: str, marks: list[str]) -> None:
    begins = SPANS[span].begins(NOW, BERLIN)
    drawn = chart.draw("Any", "messages", SPANS[span], begins, [("In", list(range(len(begins))))])
    assert [words for _, _, words in drawn.marks] == marks
    assert all(0 < place <= 100 for place, _, _ in drawn.marks)
    assert drawn.rows[0][0] == begins[-1]
    assert drawn.rows[0][2] == (len(begins) - 1,)
