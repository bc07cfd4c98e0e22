"""The roles a person may hold. A person may hold several."""

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
