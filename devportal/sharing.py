"""What people may do with an application that is shared with them. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from core.translating import gettext_noop
from core.values import BadValue


class Right(IntEnum):
    """Each includes those before it. Nobody is given OWN: an application has one owner."""

    NONE = 0
    SEE = 1
    KEYS = 2
    MANAGE = 3
    OWN = 4


GIVEN: Final = {
    Right.SEE: gettext_noop("May see it"),
    Right.KEYS: gettext_noop("May use its keys"),
    Right.MANAGE: gettext_noop("May manage it"),
}
ABOUT: Final = {
    Right.SEE: gettext_noop("The application, its subscriptions and what it uses."),
    Right.KEYS: gettext_noop("And generate and revoke tokens, and connect in the console."),
    Right.MANAGE: gettext_noop("And change it, subscribe it to APIs, and make keys and secrets."),
}
USUAL: Final = Right.KEYS
MOST_PEOPLE: Final = 50  # with whom one application is shared


def written(name: str, right: Right) -> str:
    """How REST names a person in `groups`: `dave`, or `dave:manage` where it is another right than the usual one."""
    return name if right is USUAL else f"{name}:{right.name.lower()}"


def read(group: str) -> tuple[str, Right]:
    """The name and the right in what `written` writes. Raises BadValue."""
    name, _, word = group.partition(":")
    rights = {right.name.lower(): right for right in GIVEN}
    if not name.strip() or word not in {"", *rights}:
        raise BadValue(f"“{group}” names nobody: write a user name, or one with {', '.join(rights)} after a colon.")
    return name.strip(), rights.get(word, USUAL)
