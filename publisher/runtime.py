"""What of an API is decided while it is called: with which keys, what a message may be, and how many may pass. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any

from core.values import BadValue, clean_choice
from publisher.plan_terms import OVER_RATE, ExceededAction, QuotaPeriod

KEY_TYPES = ("PRODUCTION", "SANDBOX")
LARGEST = 2**40  # bytes
FASTEST = 2**31 - 1  # messages a second
OVER_BYTES = (ExceededAction.CLOSE, ExceededAction.DROP)
MOST_POINTERS, LONGEST_POINTER = 50, 200
RESIDENT, EVERY_KEY_MANAGER = "Resident Key Manager", "all"
KEY_MANAGERS = (RESIDENT,)
"""Who issues tokens here: the installation itself."""


class ValidationMode(StrEnum):
    """What is done with a payload that does not fit the schemas of its topic."""

    OFF = "off"
    REPORT = "report"
    ENFORCE = "enforce"


WORDS: Mapping[str, str] = {
    "message_bytes": "largest message",
    "frame_bytes": "largest frame",
    "key_types": "keys that may call",
    "key_managers": "key managers",
    "payload_validation": "payload validation",
    "message_rate": "messages a second",
    "over_rate": "what happens over the rate",
    "byte_quota": "bytes in a period",
    "byte_period": "period of the bytes",
    "over_byte_quota": "what happens over the bytes",
    "redacted": "fields that are never recorded",
}
"""The columns of an API that are decided while it is called, and what a person calls them."""


def all_key_types() -> list[str]:
    """Keys of every type may call."""
    return [*KEY_TYPES]


def all_key_managers() -> list[str]:
    """Tokens of everybody who issues any are taken."""
    return [EVERY_KEY_MANAGER]


def defaults() -> dict[str, Any]:
    """What an API begins with, by column."""
    return {
        "message_bytes": 0,
        "frame_bytes": 0,
        "key_types": all_key_types(),
        "key_managers": all_key_managers(),
        "payload_validation": ValidationMode.OFF.value,
        "message_rate": 0,
        "over_rate": ExceededAction.DELAY.value,
        "byte_quota": 0,
        "byte_period": QuotaPeriod.MINUTE.value,
        "over_byte_quota": ExceededAction.CLOSE.value,
        "redacted": [],
    }


def clean_key_types(value: Any) -> list[str]:
    """The types in their usual order; raises BadValue."""
    if not isinstance(value, list | tuple) or not value or not all(each in KEY_TYPES for each in value):
        raise BadValue("Say which keys may call: PRODUCTION, SANDBOX or both.")
    return [each for each in KEY_TYPES if each in value]


def clean_key_managers(value: Any) -> list[str]:
    """Which issuers of tokens are taken, or all; raises BadValue."""
    if not isinstance(value, list | tuple) or not value:
        raise BadValue(f"Say whose tokens are taken: {EVERY_KEY_MANAGER}, or the names of key managers.")
    if EVERY_KEY_MANAGER in value:
        return all_key_managers()
    for each in value:
        if each not in KEY_MANAGERS:
            raise BadValue(f"There is no key manager called {str(each)[:100]}. Here there is the {RESIDENT}.")
    return [each for each in KEY_MANAGERS if each in value]


def clean_pointers(value: Any) -> list[str]:
    """JSON pointers (RFC 6901) to fields of payloads, each once; `*` is every member or element. Raises BadValue."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise BadValue("Fields are named by a list of JSON pointers, such as /card/number.")
    pointers = list(dict.fromkeys(each.strip() for each in value if each.strip()))
    if len(pointers) > MOST_POINTERS:
        raise BadValue(f"Name at most {MOST_POINTERS} fields; these are {len(pointers)}.")
    for each in pointers:
        if not _POINTER.fullmatch(each) or len(each) > LONGEST_POINTER:
            raise BadValue(
                f"{each[:100]} is no JSON pointer. Begin with a slash and put one before each name, as in /card/number "
                f"or /items/*/price; write ~ as ~0 and a slash in a name as ~1. At most {LONGEST_POINTER} characters."
            )
    return pointers


def clean_number(value: Any, most: int, what: str) -> int:
    """A whole number up to `most`, 0 for no limit of the API's own; raises BadValue."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadValue(f"{what} from 1 to {most}, or 0 for no limit.")
    return value


_POINTER = re.compile(r"(?:/(?:[^~/\x00-\x1f]|~[01])*)+")
_CHOICES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "payload_validation": ("Payload validation", (*ValidationMode,)),
    "over_rate": ("What happens over the rate", OVER_RATE),
    "byte_period": ("The period of the bytes", (*QuotaPeriod,)),
    "over_byte_quota": ("What happens over the bytes", OVER_BYTES),
}

CLEANERS: Mapping[str, Callable[[Any], Any]] = {
    "message_bytes": partial(clean_number, most=LARGEST, what="The largest message is a whole number of bytes"),
    "frame_bytes": partial(clean_number, most=LARGEST, what="The largest frame is a whole number of bytes"),
    "key_types": clean_key_types,
    "key_managers": clean_key_managers,
    "message_rate": partial(clean_number, most=FASTEST, what="Messages a second are a whole number"),
    "byte_quota": partial(clean_number, most=LARGEST, what="Bytes in a period are a whole number"),
    "redacted": clean_pointers,
    **{
        field: partial(clean_choice, words=words, sentence=f"{what} is one of {', '.join(words)}.")
        for field, (what, words) in _CHOICES.items()
    },
}
