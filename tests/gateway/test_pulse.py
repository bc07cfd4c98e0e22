"""When a worker does what it does again and again."""

from __future__ import annotations

import pytest

from gateway.pulse import next_beat


@pytest.mark.parametrize("seconds", [0.1, 0.2, 1.0, 2.0])
def test_a_beat_comes_after_so_many_seconds_at_most_and_every_longer_one_falls_on_a_shorter_one(seconds: float) -> None:
    now, longest = 1000.03, 2.0
    first = next_beat(now, seconds)
    assert now < first <= now + seconds
    assert next_beat(first, seconds) == pytest.approx(first + seconds)
    assert next_beat(first + 0.001, seconds) == pytest.approx(first + seconds)  # what was done took its time
    assert next_beat(first - 1e-5, seconds) == pytest.approx(first + seconds)  # a timer may be early
    shared = next_beat(now, longest)
    before = next_beat(shared - seconds / 2, seconds)
    assert before == pytest.approx(shared)
