"""Fields that an API forbids to keep, taken out of payloads before any is stored. Pure.

A field is named by a JSON pointer (RFC 6901); `*` stands for every member or element. Where fields are named, what is
no JSON is not kept at all, for nobody can say that they are not in it. A text that stands where a pointer goes further
down, and may be JSON itself, goes whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

REDACTED: Final = "[redacted]"
NOT_JSON: Final = "it is no JSON, in which the fields to leave out could be found"


class KeptPayload(NamedTuple):
    """What of a payload may be kept: None is nothing, and `problem` says why. `fields` of it were taken out."""

    payload: bytes | None
    fields: int = 0
    problem: str = ""


def keep(payload: bytes, pointers: Sequence[str] | None) -> KeptPayload:
    """What may be kept of a payload. Without pointers all of it; with None, where they are not known, nothing."""
    if pointers is None:
        return KeptPayload(None, problem="its API is not known here any more")
    if not pointers or not payload:
        return KeptPayload(payload)
    repeats: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):  # only the last of two equal names is looked at, so only that may be written
            repeats.append("")
        return made

    try:
        value = json.loads(payload.decode(), object_pairs_hook=members)
        fields = sum(_take_out(value, steps_of(pointer)) for pointer in pointers)
        if not fields and not repeats:
            return KeptPayload(payload)
        # A surrogate without its other half is no UTF-8; written as an escape it is JSON.
        return KeptPayload(json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace"), fields)
    except (ValueError, RecursionError):
        return KeptPayload(None, problem=NOT_JSON)


@lru_cache(maxsize=1024)
def steps_of(pointer: str) -> tuple[str, ...]:
    """The names and numbers of a pointer, from the top."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def _take_out(value: Any, steps: Sequence[str]) -> int:
    """Put REDACTED in the place of what `steps` lead to; how many those were."""
    step, further = steps[0], steps[1:]
    if isinstance(value, dict):
        keys: list[Any] = list(value) if step == "*" else [step] if step in value else []
    elif isinstance(value, list):
        every = range(len(value))
        keys = [each for each in every if step in ("*", str(each))]
    else:
        return 0
    taken = 0
    for key in keys:
        below = value[key]
        if not further or (isinstance(below, str) and ("{" in below or "[" in below)):
            taken += below != REDACTED
            value[key] = REDACTED
        else:
            taken += _take_out(below, further)
    return taken
