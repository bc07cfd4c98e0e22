"""What becomes of somebody's things when they delete their account, and who is told when they are disabled.

The rooms above register it at start.
"""

from collections.abc import Callable
from datetime import datetime

from accounts.models import User
from core.errors import Conflict
from core.registry import Registry


class AccountNeeded(Conflict):
    """Something that must have an owner is this person's."""


Farewell = Callable[[User, datetime], None]
_farewells: Registry[Farewell] = Registry()
register = _farewells.register
"""Add what takes a person's things away, or raises AccountNeeded. It is called in the transaction."""
_absences: Registry[Farewell] = Registry()
register_absence = _absences.register
"""Add what tells others that somebody is shut out. It is called in the transaction."""


def tell_of_absence(user: User, now: datetime) -> None:
    """Tell those whose programs stand on what somebody made who is shut out now."""
    for tell in _absences:
        tell(user, now)


def say(user: User, now: datetime) -> None:
    """Take away all that is somebody's. Raises AccountNeeded."""
    for farewell in _farewells:
        farewell(user, now)
