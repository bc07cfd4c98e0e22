"""What a plan may say. Pure; every refusal says what would do.

Fields, units and meanings are those of `publisher.models.Plan`; None is no limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from accounts.roles import Role
from core.text import is_seen, spaced
from core.values import BadValue, clean, clean_choice, refuse, within
from publisher.plan_terms import (
    MOST_APPLICATIONS,
    OVER_QUOTA,
    OVER_RATE,
    Billing,
    CountedDirection,
    ExceededAction,
    QuotaPeriod,
    QuotaUnit,
)
from publisher.validation import clean_switch

NAME_LENGTH, DISPLAY_NAME_LENGTH, DESCRIPTION_LENGTH = 60, 512, 1024
LARGEST_QUOTA: Final = 1 << 53
"""The largest number that every program that reads JSON, and every store of usage, counts exactly."""
LARGEST_COUNT: Final = (1 << 31) - 1

NAME_SENTENCE: Final = (
    f"A plan's name has 1 to {NAME_LENGTH} letters, digits and - . _ without spaces, and begins with a letter or a "
    "digit: Gold, 10PerMin."
)
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{NAME_LENGTH - 1}}}")


class NumberRule(NamedTuple):
    """A limit: a whole number from 1 to `most`, and what is said when it is not."""

    most: int
    sentence: str


def _number(what: str, most: int, otherwise: str = "for no limit") -> NumberRule:
    return NumberRule(most, f"{what} is a whole number from 1 to {spaced(most)}. Leave it out {otherwise}.")


NUMBERS: Final[Mapping[str, NumberRule]] = {
    "quota": _number("A quota of messages or bytes", LARGEST_QUOTA),
    "rate": _number("A rate, in messages a second,", LARGEST_COUNT),
    "burst": _number("A burst, in messages at once,", LARGEST_COUNT, "to let messages pass evenly"),
    "connections": _number("The number of connections open at the same time", LARGEST_COUNT),
    "connects": _number("The number of new connections a minute", LARGEST_COUNT),
    "message_bytes": _number("The size of the largest message, in bytes,", LARGEST_QUOTA),
    "applications": _number("The number of applications that one person may subscribe to an API", LARGEST_COUNT),
}


class ChoiceRule(NamedTuple):
    """A field with a few words to choose from, and what is said about any other."""

    words: tuple[str, ...]
    sentence: str


CHOICES: Final[Mapping[str, ChoiceRule]] = {
    "billing": ChoiceRule((*Billing,), "A plan is billed as FREE or COMMERCIAL."),
    "quota_unit": ChoiceRule((*QuotaUnit,), "A quota counts messages or bytes."),
    "quota_period": ChoiceRule((*QuotaPeriod,), "Say per what the quota is counted: minute, hour, day or month."),
    "counted": ChoiceRule(
        (*CountedDirection,), "What counts is both directions (both) or only what the client sends (client)."
    ),
    "over_rate": ChoiceRule(
        OVER_RATE,
        "A message over the rate is made to wait (delay), left out (drop), or ends the connection (close).",
    ),
    "over_quota": ChoiceRule(
        OVER_QUOTA,
        "A message over the quota ends the connection (close), is left out (drop) or passes all the same (pass); it "
        "cannot wait.",
    ),
}

DEFAULTS: Final[Mapping[str, Any]] = {
    "display_name": "",
    "description": "",
    "billing": Billing.FREE.value,
    "roles": (),
    **dict.fromkeys(NUMBERS),
    "applications": MOST_APPLICATIONS,
    "counted": CountedDirection.BOTH.value,
    "over_rate": ExceededAction.DELAY.value,
    "over_quota": ExceededAction.CLOSE.value,
    "requires_approval": False,
    "uncompressed": False,
}
"""What a new plan says where nothing is given: no limits but of applications. A quota has no period by default."""


def clean_plan(given: Mapping[str, Any], present: Mapping[str, Any] = DEFAULTS) -> dict[str, Any]:
    """Every field of a plan, with what is `given` in place of what is `present`. Raises Invalid.

    Without a quota there is neither its unit nor its period in what is returned.
    """
    cleaned = clean({"name": "", "quota_unit": QuotaUnit.MESSAGES.value, **present, **given}, CLEANERS)
    if cleaned["quota"] is None:
        cleaned = {key: value for key, value in cleaned.items() if key not in ("quota_unit", "quota_period")}
    quota, rate, burst = cleaned["quota"], cleaned["rate"], cleaned["burst"]
    contradictions: dict[str, str] = {}
    if quota is not None and "quota_period" not in cleaned:
        contradictions["quota_period"] = CHOICES["quota_period"].sentence
    if burst is not None and rate is None:
        contradictions["burst"] = "A burst belongs to a rate. Give the rate too, or leave the burst out."
    elif burst is not None and burst < rate:
        contradictions["burst"] = f"A burst is at least as large as the rate: {spaced(rate)} messages or more."
    refuse(contradictions)
    return {**cleaned, "display_name": cleaned["display_name"] or cleaned["name"]}


def clean_name(value: Any) -> str:
    """The name of a plan, by which it is addressed. Raises BadValue."""
    name = _text(value)
    if not _NAME.fullmatch(name):
        raise BadValue(NAME_SENTENCE)
    return name


def clean_display_name(value: Any) -> str:
    """What people see; empty for the name. Raises BadValue."""
    name = " ".join(_text(value).split())
    if not is_seen(name) or len(name) > DISPLAY_NAME_LENGTH:
        raise BadValue(f"A display name is one line of at most {DISPLAY_NAME_LENGTH} characters.")
    return name


def clean_description(value: Any) -> str:
    """The description without outer blanks. Raises BadValue."""
    return within(_text(value), DESCRIPTION_LENGTH, "A description")


def clean_number(field: str, value: Any) -> int | None:
    """A limit, or None. Raises BadValue."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= NUMBERS[field].most:
        raise BadValue(NUMBERS[field].sentence)
    return value


def clean_roles(value: Any) -> list[str]:
    """The roles that may pick a plan, each once and in the order of the table of roles. Raises BadValue."""
    names = value if isinstance(value, list | tuple | set | frozenset) else [value]
    if unknown := [str(name) for name in names if not isinstance(name, str) or name not in set(Role)]:
        raise BadValue(
            f"There is no role called {', '.join(unknown)}. The roles are {', '.join(Role)}; name none of them to let "
            "everybody pick the plan."
        )
    return [role.value for role in Role if role in names]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue("Write this as text.")
    return value.strip()


CLEANERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": clean_name,
    "display_name": clean_display_name,
    "description": clean_description,
    "roles": clean_roles,
    "requires_approval": clean_switch,
    "uncompressed": clean_switch,
    **{field: partial(clean_number, field) for field in NUMBERS},
    **{field: partial(clean_choice, **rule._asdict()) for field, rule in CHOICES.items()},
}
