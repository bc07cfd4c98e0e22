"""Who may do what to an account, and how every room says what may be done.

A `require_<verb>` holds the rule and its sentence together: operations call it, and views whose form should not even be
shown. A `can_<verb>` asks the same question for a page that draws buttons.
"""

from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.roles import Role, in_order
from core.errors import NotAllowed
from core.translating import gettext

P = ParamSpec("P")
Viewer = User | AnonymousUser


def administrators() -> list[str]:
    """The names of some who can help with accounts."""
    people = User.objects.filter(is_active=True, is_service=False, role_grants__role=Role.ADMIN)
    return [person.display_name for person in people.order_by("username")[:5]]


class RoleRequired(NotAllowed):
    """The person holds none of the roles `needed` for this; the sentence names them and says whom to ask."""

    template = "errors/missing_role.html"
    administrators = staticmethod(administrators)

    def __init__(self, deed: str, needed: Iterable[Role]) -> None:
        self.deed, self.needed = gettext(deed), in_order(needed)
        *others, last = (role.value for role in self.needed)
        either = gettext("%(roles)s or %(role)s") % {"roles": ", ".join(others), "role": last} if others else last
        if self.needed == [Role.ADMIN]:
            sentence = gettext("%(deed)s needs the %(role)s role. Ask an administrator.")
        else:
            sentence = gettext("%(deed)s needs the %(role)s role. Ask an administrator to give it to you.")
        super().__init__(sentence % {"deed": self.deed, "role": either})


def require_role(user: Viewer, *roles: Role, to: str) -> None:
    """Raise RoleRequired unless `user` holds one of `roles` or is an administrator.

    `to` begins the sentence: `require_role(user, Role.PUBLISHER, to="Deploying a revision")`. It is marked by
    `gettext_noop` where developers may read it.
    """
    if not (isinstance(user, User) and user.has_role(*roles)):
        raise RoleRequired(to, roles)


def needs(*roles: Role, to: str) -> Callable[Concatenate[Viewer, ...], None]:
    """The rule that asks for nothing but a role: `require_create = needs(Role.CREATOR, to="Creating an API")`."""

    def require(user: Viewer, *_: object) -> None:
        require_role(user, *roles, to=to)

    return require


def asks(require: Callable[P, None]) -> Callable[P, bool]:
    """The question to a rule: `can_edit = asks(require_edit)`."""

    def can(*args: P.args, **kwargs: P.kwargs) -> bool:
        try:
            require(*args, **kwargs)
        except NotAllowed:
            return False
        return True

    return can


require_manage_users = needs(Role.ADMIN, to="Managing other people's accounts")
"""Creating, disabling and enabling others, and changing their roles."""
require_manage_settings = needs(Role.ADMIN, to="Changing the settings of the installation")
"""Changing what the installation does while it runs."""
require_read_audit_log = needs(Role.ADMIN, to="Reading the audit log")
"""Reading and exporting the audit log."""


def require_change_account(user: User, *, of: User) -> None:
    """Changing the password or the profile of `of`: everybody their own, administrators anybody's."""
    if not (user.is_active and user == of):
        require_manage_users(user)
