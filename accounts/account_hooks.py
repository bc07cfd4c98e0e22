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


AccountHook = Callable[[User, datetime], None]
DELETION_HOOKS: Registry[AccountHook] = Registry()
"""What takes a person's things away, or raises AccountNeeded. It is called in the transaction."""
DISABLING_HOOKS: Registry[AccountHook] = Registry()
"""What tells others, whose programs stand on what somebody made, that they are shut out. In the transaction, too."""
