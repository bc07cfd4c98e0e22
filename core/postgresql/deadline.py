"""How long this process waits for an answer of PostgreSQL. Commands wait as long as it takes."""

from __future__ import annotations

seconds: float | None = None


def answer_within(most: float) -> None:
    """From now on let no question of this process take longer; 0: as long as it takes."""
    global seconds
    seconds = most if most > 0 else None
