"""Who may do what in the developer portal."""

from accounts.models import User
from accounts.permissions import Viewer, asks, needs
from accounts.roles import Role
from core.errors import NotAllowed
from core.translating import gettext as _
from core.translating import gettext_noop
from devportal.errors import KeysNotFound
from devportal.memberships import right_of
from devportal.models import Application, OAuthClient
from devportal.sharing import Right
from publisher.models import Plan


class NotYourApplication(NotAllowed):
    """The application is somebody else's, and not shared with this person for that."""

    sentence = gettext_noop("Only the owner of an application may change it, and whom they let manage it.")


NEEDS = {
    Right.KEYS: gettext_noop("Its owner lets you see this application, and not use its keys. Ask them for more."),
    Right.OWN: gettext_noop("Only the owner of an application may do this."),
}


class PlanReserved(NotAllowed):
    """The plan is for people of certain roles."""


require_develop = needs(Role.SUBSCRIBER, to=gettext_noop("Having applications"))
"""Having applications at all."""


def require_use_application(user: Viewer, application: Application, least: Right = Right.MANAGE) -> None:
    """Changing `application`, its subscriptions and its keys; less or more with another `least`.

    Raises NotYourApplication or RoleRequired.
    """
    if right_of(user, application) < least:
        raise NotYourApplication(_(NEEDS.get(least, NotYourApplication.sentence)))
    require_develop(user)


def require_transfer(user: Viewer, application: Application) -> None:
    """Giving `application` to somebody else: its owner, and administrators. Raises NotYourApplication."""
    if application.owner_id != user.pk and not (isinstance(user, User) and user.has_role(Role.ADMIN)):
        raise NotYourApplication


def require_use_keys(user: Viewer, client: OAuthClient, least: Right = Right.KEYS) -> Application:
    """Tokens of these keys, or the keys themselves with MANAGE; returns the application whose keys they are.

    Raises KeysNotFound for a client without one, and what `require_use_application` raises.
    """
    application: Application | None = client.application
    if application is None:
        raise KeysNotFound
    require_use_application(user, application, least)
    return application


def require_pick_plan(user: Viewer, plan: Plan) -> None:
    """Subscribing under `plan`, which may name the roles it is for. Raises RoleRequired or PlanReserved."""
    require_develop(user)
    allowed = {Role.ADMIN, *(Role(name) for name in plan.roles if name in set(Role))}
    if plan.roles and not (isinstance(user, User) and user.roles & allowed):
        raise PlanReserved(
            _("%(plan)s is reserved for people with the role %(roles)s. Choose another plan.")
            % {"plan": plan, "roles": _(" or ").join(plan.roles)}
        )


require_deny = needs(Role.ADMIN, to="Managing deny policies")
"""Reading and changing the deny policies."""
require_approve_applications = needs(Role.ADMIN, to="Approving applications")
"""Approving and rejecting new applications, and their keys."""
require_define_attributes = needs(Role.ADMIN, to="Defining attributes of applications")
"""Saying what has to be told of each application."""
require_manage_subscribers = needs(Role.PUBLISHER, to="Managing subscribers")
"""Blocking, unblocking, approving and re-planning other people's subscriptions to `api`."""


can_develop = asks(require_develop)
can_pick_plan = asks(require_pick_plan)
can_manage_subscribers = asks(require_manage_subscribers)
