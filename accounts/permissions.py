"""Who may do what to an account."""

from accounts.models import User
from accounts.roles import Role
from core.errors import NotAllowed


class RoleRequired(NotAllowed):
    """The person's roles do not allow this; the sentence names the role that would."""


def can_manage_users(user: User) -> bool:
    """Whether `user` may create, disable and enable others and change their roles."""
    return user.has_role(Role.ADMIN)


def can_change_password(user: User, *, of: User) -> bool:
    """Whether `user` may set the password of `of`: everybody their own, administrators anybody's."""
    return user.is_active and (user == of or can_manage_users(user))
