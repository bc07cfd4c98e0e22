"""What a plan does, said to whoever writes it."""

from __future__ import annotations

from publisher.plan_effect import effects
from publisher.plan_validation import clean_plan


def said(**fields: object) -> str:
    return " ".join(effects(clean_plan({"name": "Gold", **fields})))


def test_a_plan_without_limits_says_so() -> None:
    assert effects(clean_plan({"name": "Gold", "applications": None})) == [
        "An application may send and receive as much as it likes.",
        "No limit holds how fast messages come.",
        "Any number of connections may be open.",
    ]


def test_a_quota_says_what_becomes_of_the_next_message_and_how_long_it_lasts() -> None:
    words = said(quota=50_000, quota_period="day", rate=100)
    assert "may send and receive 50\N{NARROW NO-BREAK SPACE}000 messages a day." in words
    assert "4003" in words
    assert "until the next day begins (UTC)" in words
    assert "At the full rate that lasts 8 minutes." in words


def test_every_way_beyond_a_limit_is_said() -> None:
    assert "are dropped until" in said(quota=1 << 20, quota_unit="bytes", quota_period="hour", over_quota="drop")
    assert "1 MiB an hour" in said(quota=1 << 20, quota_unit="bytes", quota_period="hour", counted="client")
    assert "pass all the same" in said(quota=5, quota_period="month", over_quota="pass")
    assert "is dropped, and the sender is not told" in said(rate=5, over_rate="drop")
    assert "closes the connection with 4003" in said(rate=5, burst=9, over_rate="close")


def test_terms_are_said() -> None:
    words = said(connections=3, connects=2, message_bytes=65536, requires_approval=True, roles=["creator", "publisher"])
    assert "3 connections open at the same time" in words
    assert "over 64 KiB closes the connection with 1009" in words
    assert "waits until a publisher approves it" in words
    assert "Only people with the role creator or publisher" in words
