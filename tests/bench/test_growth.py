"""What is asked of few and of many is answered alike."""

from __future__ import annotations

from bench import growth


def test_every_client_is_known_and_what_was_decided_stands() -> None:
    asked = growth.asked(3, 20)
    assert all(bool(ask(number)) for ask in asked.values() for number in (0, 7, growth.ASKED - 1))
