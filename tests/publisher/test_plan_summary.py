"""A plan's limits on one line."""

import pytest

from publisher.models import Plan


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "no limits"),
        ({"quota": 50_000, "rate": 100, "connections": 100}, "50 000 messages a day · 100/s · 100 connections"),
        ({"quota": 1, "quota_period": "hour", "connections": 1}, "1 message an hour · 1 connection"),
        ({"quota": 5 << 20, "quota_unit": "bytes", "quota_period": "month"}, "5 MiB a month"),
        ({"quota": 1500, "quota_unit": "bytes"}, "1 500 bytes a day"),
        ({"connects": 6, "message_bytes": 64 << 10}, "6 new connections a minute · messages up to 64 KiB"),
        ({"quota": 0}, "0 messages a day"),
    ],
)
def test_a_plans_limits_in_words(fields: dict[str, object], words: str) -> None:
    assert Plan(**fields).summary.replace("\N{NARROW NO-BREAK SPACE}", " ") == words
