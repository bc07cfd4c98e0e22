"""An outage of the database is two lines in the log, whoever notices it and however often."""

from __future__ import annotations

import io
import logging

import pytest

from core.outage import CALM_SECONDS, Outage
from gateway.logging.formats import Text, request_id


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


def test_it_is_said_when_it_begins_and_when_it_is_over_with_a_count(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    outage = Outage(clock)
    outage.answered()
    for _ in range(4):
        outage.failed(OSError("gone"))
        clock.now += 10
    outage.answered()
    outage.answered()
    assert lines(caplog) == [
        "ERROR The database cannot be used: gone",
        "WARNING The database answers again. For 30 s it did not; 4 attempts failed.",
    ]
    outage.failed(OSError("again"))
    assert len(caplog.records) == 3


def test_one_answer_among_failures_is_not_its_end(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    outage = Outage(clock)
    for _ in range(10):
        outage.failed(OSError("no more connections for you"))
        clock.now += CALM_SECONDS / 2
        outage.answered()
    assert len(caplog.records) == 1


def test_a_full_database_is_called_full_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    said = "connection to server at 10.0.0.1 failed:\n\tFATAL:  sorry, too many clients already\n"
    Outage().failed(OSError(said))
    (line,) = lines(caplog)
    assert "\n" not in line
    assert "it takes no more connections; raise its max_connections" in line
    assert "sorry, too many clients already" in line


def test_the_lines_are_about_no_request() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Text())
    token = request_id.set("c0ffee")
    logging.getLogger("apimanager.database").addHandler(handler)
    try:
        Outage().failed(OSError("gone"))
    finally:
        logging.getLogger("apimanager.database").removeHandler(handler)
        request_id.reset(token)
    assert "The database cannot be used: gone" in stream.getvalue()
    assert "c0ffee" not in stream.getvalue()
