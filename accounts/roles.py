"""The roles a person may hold. A person may hold several."""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """A right to work in one part of the product; see the table in `docs/reference/roles.md`."""

    CREATOR = "creator"
    PUBLISHER = "publisher"
    SUBSCRIBER = "subscriber"
    OBSERVER = "observer"
    ADMIN = "admin"


PUBLISHER_PORTAL = frozenset({Role.CREATOR, Role.PUBLISHER, Role.OBSERVER, Role.ADMIN})
EVERY_ROLE = frozenset(Role)


def in_order(roles: Iterable[Role]) -> list[Role]:
    """The roles in the order of the table of roles, administrators last."""
    held = set(roles)
    return [role for role in Role if role in held]


def either(roles: Iterable[Role]) -> str:
    """ "creator, publisher or observer"."""
    names = [role.value for role in in_order(roles)]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
