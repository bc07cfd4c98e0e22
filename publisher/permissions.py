"""Who may do what to an API. Creators make the design, publishers deliver it, observers read, admins do all."""

from accounts.models import User
from accounts.roles import PUBLISHER_PORTAL, Role
from publisher.lifecycle import State
from publisher.models import Api


def can_enter(user: User) -> bool:
    """Whether the Publisher is open to the user at all."""
    return user.is_authenticated and user.has_role(*PUBLISHER_PORTAL)


def can_view(user: User, api: Api) -> bool:
    """Everybody who may enter the Publisher sees every API."""
    return can_enter(user)


def can_create(user: User) -> bool:
    """Whether the user may design a new API; CREATE API is shown to nobody else."""
    return user.has_role(Role.CREATOR)


def can_edit(user: User, api: Api) -> bool:
    """Whether the user may change the design."""
    return user.has_role(Role.CREATOR)


def can_version(user: User, api: Api) -> bool:
    """Whether the user may copy the API to a new version."""
    return can_create(user)


def can_delete(user: User, api: Api) -> bool:
    """A creator may delete what is not served; what is served needs the right to take it off the gateway too."""
    return user.has_role(Role.CREATOR) and (api.deployed_revision_id is None or can_deploy(user, api))


def can_revise(user: User, api: Api) -> bool:
    """Whether the user may record the design as a revision."""
    return user.has_role(Role.CREATOR, Role.PUBLISHER)


def can_deploy(user: User, api: Api) -> bool:
    """Whether the user may put a revision on the gateway or take it off."""
    return user.has_role(Role.PUBLISHER)


def can_set_plans(user: User, api: Api) -> bool:
    """A publisher may always; a creator while the API is still a design."""
    return user.has_role(Role.PUBLISHER) or (api.stage is State.CREATED and user.has_role(Role.CREATOR))


def can_publish(user: User, api: Api | None = None) -> bool:
    """Whether the user may move the API through its life; with no API: whether CREATE & PUBLISH is offered."""
    return user.has_role(Role.PUBLISHER)


def can_manage_subscriptions(user: User, api: Api) -> bool:
    """Whether the user may block subscriptions and change their plans."""
    return user.has_role(Role.PUBLISHER)


def can_manage_plans(user: User) -> bool:
    """Whether the user may make, change and delete business plans and application plans."""
    return user.has_role(Role.ADMIN)
