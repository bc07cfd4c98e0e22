"""What a scope may be, and who gets it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Final

from accounts.roles import Role, in_order
from core.values import BadValue, clean_line, within

NAME_LENGTH, DISPLAY_NAME_LENGTH, DESCRIPTION_LENGTH = 255, 255, 512
MOST_OF_AN_API, MOST_SHARED = 100, 1000
OURS: Final = frozenset({"default", "openid"})
PREFIX_OF_REST: Final = "apim:"

_NAME = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 §3.3


def clean_name(value: Any) -> str:
    """The word that topics and tokens carry; raises BadValue."""
    name = str(value or "").strip()
    if not name:
        raise BadValue("Give the scope a name, such as chat:write.")
    if not _NAME.fullmatch(name):
        suggestion = re.sub(r"[^\x21\x23-\x5B\x5D-\x7E]+", "_", name).strip("_")
        raise BadValue(
            "A scope is one word of Latin letters, digits and marks such as : . _ - without a space.", suggestion
        )
    within(name, NAME_LENGTH, "A scope")
    if name in OURS or name.startswith(PREFIX_OF_REST):
        raise BadValue(f"{name} means something else here already. Choose another name.", f"api-{name.split(':')[-1]}")
    return name


def clean_roles(value: Any) -> list[str]:
    """The roles in their order; raises BadValue for one that there is not."""
    if not isinstance(value, list | tuple | set | frozenset):
        raise BadValue(f"Roles are a list of: {', '.join(Role)}.")
    if unknown := [str(each)[:40] for each in value if each not in set(Role)]:
        raise BadValue(f"There is no role {', '.join(unknown)}. Possible: {', '.join(Role)}.")
    return [role.value for role in in_order(Role(each) for each in value)]


def possible(names: Iterable[str]) -> list[str]:
    """Those of the names that a scope may have at all; the rest, such as NUL, no database need be asked about."""
    return [name for name in names if _NAME.fullmatch(name)]


def granted(
    wanted: Iterable[str], definitions: Mapping[str, Iterable[Collection[str]]], held: Iterable[str]
) -> list[str]:
    """Those of `wanted` that somebody who holds roles gets.

    `definitions` has the roles of every definition of a name, for two versions of an API may define it differently:
    all of them must admit. What nobody defines is for everybody, and so is what is for no role.
    """
    mine = set(held)
    return [
        name for name in wanted if all(not roles or {*roles, Role.ADMIN} & mine for roles in definitions.get(name, ()))
    ]


CLEANERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": clean_name,
    "display_name": partial(clean_line, most=DISPLAY_NAME_LENGTH, what="A display name"),
    "description": partial(clean_line, most=DESCRIPTION_LENGTH, what="A description"),
    "roles": clean_roles,
}
