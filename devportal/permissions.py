"""Who may do what in the developer portal."""

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.roles import Role
from devportal.models import Application
from publisher import permissions as publishing
from publisher.models import Api, Plan

Viewer = User | AnonymousUser


def can_develop(user: Viewer) -> bool:
    """Whether `user` may have applications at all."""
    return isinstance(user, User) and user.has_role(Role.SUBSCRIBER)


def can_use_application(user: Viewer, application: Application) -> bool:
    """Whether `user` may change `application`, its subscriptions and its keys."""
    return can_develop(user) and application.owner_id == user.pk


def can_pick_plan(user: Viewer, plan: Plan) -> bool:
    """Whether `user` may subscribe under `plan`: a plan that names roles is for people who hold one of them."""
    return can_develop(user) and (not plan.roles or holds_any(user, plan.roles))


def can_deny(user: Viewer) -> bool:
    """Whether `user` may read and change the deny policies."""
    return isinstance(user, User) and user.has_role(Role.ADMIN)


def can_see_subscribers(user: Viewer) -> bool:
    """Whether `user` may read who is subscribed to an API."""
    return isinstance(user, User) and publishing.can_enter(user)


def can_manage_subscribers(user: Viewer, api: Api) -> bool:
    """Whether `user` may block, unblock, approve and re-plan other people's subscriptions to `api`."""
    return isinstance(user, User) and publishing.can_manage_subscriptions(user, api)


def holds_any(user: Viewer, names: list[str]) -> bool:
    """Whether `user` is an administrator or holds one of the roles called `names`."""
    return isinstance(user, User) and bool(user.roles & ({Role.ADMIN} | {Role(n) for n in names if n in set(Role)}))
