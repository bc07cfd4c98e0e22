"""The roles a person may hold. A person may hold several."""

from collections.abc import Iterable
from enum import StrEnum

from core.translating import gettext_noop


class Role(StrEnum):
    """A right to work in one part of the product; see the table in `docs/reference/roles.md`."""

    CREATOR = "creator"
    PUBLISHER = "publisher"
    SUBSCRIBER = "subscriber"
    OBSERVER = "observer"
    ADMIN = "admin"


MAY = {
    Role.CREATOR: gettext_noop("Creates APIs, edits them, makes versions and revisions."),
    Role.PUBLISHER: gettext_noop(
        "Moves APIs through their life, attaches business plans, deploys, manages subscriptions."
    ),
    Role.SUBSCRIBER: gettext_noop("Has applications in the Developer Portal, subscribes them and holds their keys."),
    Role.OBSERVER: gettext_noop("Reads everything in the Publisher and changes nothing."),
    Role.ADMIN: gettext_noop("May do all of it, and manages plans, deny policies, users and their roles."),
}
"""What each role may do, for those who give it; translated where it is shown."""
PUBLISHER_PORTAL = frozenset({Role.CREATOR, Role.PUBLISHER, Role.OBSERVER, Role.ADMIN})
EVERY_ROLE = frozenset(Role)
DEVELOPERS = frozenset({Role.SUBSCRIBER, Role.ADMIN})  # whose applications have tokens that work


def in_order(roles: Iterable[Role]) -> list[Role]:
    """The roles in the order of the table of roles, administrators last."""
    held = set(roles)
    return [role for role in Role if role in held]


def to_tick(ticked: Iterable[str]) -> list[dict[str, object]]:
    """The roles for a form, each with what it is for, and whether it is ticked."""
    held = set(ticked)
    return [{"value": role.value, "may": MAY[role], "held": role.value in held} for role in Role]
