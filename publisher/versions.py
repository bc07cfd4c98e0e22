"""The order of versions. Pure."""

import re
from collections.abc import Iterable


def sort_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Sort 1.2 before 1.10, and 2.0-beta before 2.0: numbers by value, words before numbers."""
    parts = re.findall(r"\d+|[^\d.]+", version)
    key = [(1, int(part), "") if part.isdecimal() else (-1, 0, part.lower()) for part in parts]
    return (*key, (0, 0, ""))


def prefixes(version: str) -> list[str]:
    """What reaches a version: 1, 1.4 and 1.4.2."""
    parts = version.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def shorter(version: str, others: Iterable[str]) -> str:
    """The version without its last part (1.0 for 1.0.0) if that reaches it among the other versions, else nothing."""
    prefix = version.rpartition(".")[0]
    for other in others:
        if other == prefix or (other.startswith(f"{prefix}.") and sort_key(other) > sort_key(version)):
            return ""
    return prefix
