"""Words that a column may hold."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


def choices_of(words: Iterable[StrEnum]) -> list[tuple[str, str]]:
    return [(word.value, word.value.capitalize()) for word in words]
