"""Who may do what in the developer portal."""

from accounts.models import User
from accounts.permissions import Viewer, asks, require_role
from accounts.roles import Role
from core.errors import NotAllowed
from devportal.errors import KeysNotFound
from devportal.models import Application, OAuthClient
from publisher.models import Api, Plan


class NotYourApplication(NotAllowed):
    """Only the owner may change an application."""

    sentence = "Only the owner of an application may change it."


class PlanReserved(NotAllowed):
    """The plan is for people of certain roles."""


def require_develop(user: Viewer) -> None:
    """Having applications at all."""
    require_role(user, Role.SUBSCRIBER, to="Having applications")


def require_use_application(user: Viewer, application: Application) -> None:
    """Changing `application`, its subscriptions and its keys. Raises NotYourApplication or RoleRequired."""
    if application.owner_id != user.pk:
        raise NotYourApplication
    require_develop(user)


def require_transfer(user: Viewer, application: Application) -> None:
    """Giving `application` to somebody else: its owner, and administrators. Raises NotYourApplication."""
    if application.owner_id != user.pk and not (isinstance(user, User) and user.has_role(Role.ADMIN)):
        raise NotYourApplication


def require_use_keys(user: Viewer, client: OAuthClient) -> Application:
    """Changing keys and their tokens; returns the application whose keys they are.

    Raises KeysNotFound for a client without one, and what `require_use_application` raises.
    """
    application: Application | None = client.application
    if application is None:
        raise KeysNotFound
    require_use_application(user, application)
    return application


def require_pick_plan(user: Viewer, plan: Plan) -> None:
    """Subscribing under `plan`, which may name the roles it is for. Raises RoleRequired or PlanReserved."""
    require_develop(user)
    allowed = {Role.ADMIN, *(Role(name) for name in plan.roles if name in set(Role))}
    if plan.roles and not (isinstance(user, User) and user.roles & allowed):
        raise PlanReserved(
            f"{plan} is reserved for people with the role {' or '.join(plan.roles)}. Choose another plan."
        )


def require_deny(user: Viewer) -> None:
    """Reading and changing the deny policies."""
    require_role(user, Role.ADMIN, to="Managing deny policies")


def require_approve_applications(user: Viewer) -> None:
    """Approving and rejecting new applications."""
    require_role(user, Role.ADMIN, to="Approving applications")


def require_manage_subscribers(user: Viewer, api: Api) -> None:
    """Blocking, unblocking, approving and re-planning other people's subscriptions to `api`."""
    require_role(user, Role.PUBLISHER, to="Managing subscribers")


can_develop = asks(require_develop)
can_use_application = asks(require_use_application)
can_pick_plan = asks(require_pick_plan)
can_deny = asks(require_deny)
can_manage_subscribers = asks(require_manage_subscribers)
