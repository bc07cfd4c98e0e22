"""Who may do what to an API. Creators make the design, publishers deliver it, observers read, admins do all."""

from datetime import datetime

from accounts.account_hooks import AccountNeeded
from accounts.models import User
from accounts.permissions import Viewer, asks, needs, require_role
from accounts.roles import PUBLISHER_PORTAL, Role, in_order
from core.errors import NotAllowed
from core.text import agree, count
from core.translating import gettext_noop
from publisher.lifecycle import State
from publisher.models import Api, Comment
from publisher.presentation import AccessControl


class EditorsChosen(NotAllowed):
    """The API is edited only by its provider and by creators who hold certain roles."""

    sentence = (
        "{api} may be edited only by {api.provider.display_name} and by creators who also have the {roles} role. Ask "
        "{api.provider.display_name} to open it to you."
    )


class NotYourComment(NotAllowed):
    """Only who wrote a comment may change it."""

    sentence = gettext_noop("Only the person who wrote a comment may change it.")


TRIERS = (Role.CREATOR, Role.PUBLISHER, Role.ADMIN)

# By role alone, whatever it is about.
require_enter = needs(*PUBLISHER_PORTAL, to="The Publisher")
"""Whoever works in the Publisher sees every API."""
require_create = needs(Role.CREATOR, to="Creating an API")
"""Designing a new API; CREATE API is shown to nobody else."""
require_revise = needs(Role.CREATOR, Role.PUBLISHER, to="Making a revision")
"""Recording the design as a revision."""
require_deploy = needs(Role.PUBLISHER, to="Deploying and undeploying")
"""Putting a revision on the gateway, or taking it off."""
require_approve = needs(Role.ADMIN, to="Approving steps of an API's life")
"""Approving or rejecting what publishers ask for."""
require_try = needs(Role.CREATOR, Role.PUBLISHER, to="Trying an API out")
"""Connecting to the API with a key of the Publisher, before anybody may subscribe."""
require_document = needs(Role.CREATOR, Role.PUBLISHER, to="Writing documents of an API")
"""Writing, ordering and deleting the documents of an API."""
require_comment = needs(Role.CREATOR, Role.PUBLISHER, Role.SUBSCRIBER, to=gettext_noop("Writing comments"))
"""Saying something about an API that one sees, in either portal."""
require_manage_plans = needs(Role.ADMIN, to="Managing plans")
"""Making, changing and deleting business plans and application plans."""
require_manage_categories = needs(Role.ADMIN, to="Managing categories")
"""Making, changing and deleting the categories of the catalogue."""


def require_edit(user: Viewer, api: Api) -> None:
    """Changing the design, also by going back to a revision: a creator, of those that the API is open to."""
    require_role(user, Role.CREATOR, to="Changing the design of an API")
    _require_access(user, api)


def require_version(user: Viewer, api: Api) -> None:
    """Copying the API to a new version."""
    require_role(user, Role.CREATOR, to="Making a new version")
    _require_access(user, api)


def require_delete(user: Viewer, api: Api) -> None:
    """A creator may delete what is not served; what is served needs the right to take it off the gateway too."""
    require_role(user, Role.CREATOR, to="Deleting an API")
    _require_access(user, api)
    if api.deployed_revision_id is not None:
        require_role(user, Role.PUBLISHER, to="Deleting an API that is on the gateway")


def require_set_plans(user: Viewer, api: Api) -> None:
    """A publisher may always; a creator while the API is still a design."""
    if api.stage is State.CREATED and can_edit(user, api):
        return
    roles = (Role.CREATOR, Role.PUBLISHER) if api.stage is State.CREATED else (Role.PUBLISHER,)
    require_role(user, *roles, to="Choosing the business plans of an API")
    if not (isinstance(user, User) and user.has_role(Role.PUBLISHER)):
        _require_access(user, api)


def require_publish(user: Viewer, api: Api | None = None) -> None:
    """Moving the API through its life; with no API: CREATE & PUBLISH."""
    require_role(user, Role.PUBLISHER, to="Moving an API through its lifecycle" if api else "Publishing an API")


def require_see_payloads(user: Viewer, api: Api) -> None:
    """Reading what clients and backends sent where it fitted no schema, and counting it anew."""
    require_role(user, Role.CREATOR, Role.PUBLISHER, to="Reading payloads that fit no schema")
    if not (isinstance(user, User) and user.has_role(Role.PUBLISHER)):
        _require_access(user, api)


def require_edit_comment(user: Viewer, comment: Comment) -> None:
    """Changing what one has said oneself."""
    require_comment(user)
    if comment.author_id != user.pk:
        raise NotYourComment


def require_delete_comment(user: Viewer, comment: Comment) -> None:
    """Taking back what one has said oneself; a publisher or an administrator anybody's."""
    if comment.author_id == user.pk:
        require_comment(user)
    else:
        require_role(user, Role.PUBLISHER, to="Deleting what others have written")


def require_describe_scopes(user: Viewer, api: Api | None) -> None:
    """Keeping the scopes of an API or, without one, those that all APIs share."""
    if api:
        require_edit(user, api)
    else:
        require_role(user, Role.ADMIN, to="Changing shared scopes")


def _require_access(user: Viewer, api: Api) -> None:
    """Where only certain roles may edit an API, its provider, administrators and who holds one of them."""
    if api.access_control == AccessControl.NONE or user.pk == api.provider_id:
        return
    roles = {Role(name) for name in api.access_control_roles}
    if not (isinstance(user, User) and user.has_role(*roles)):
        raise EditorsChosen(api=api, roles=" or ".join(role.value for role in in_order(roles)))


can_enter = asks(require_enter)
can_create = asks(require_create)
can_edit = asks(require_edit)
can_set_plans = asks(require_set_plans)
can_publish = asks(require_publish)
can_document = asks(require_document)
can_comment = asks(require_comment)
can_edit_comment = asks(require_edit_comment)
can_delete_comment = asks(require_delete_comment)
can_see_payloads = asks(require_see_payloads)
can_approve = asks(require_approve)


def require_owns_nothing(user: User, now: datetime) -> None:
    """Deleting one's account: raises AccountNeeded for somebody whose APIs are there."""
    if number := Api.objects.filter(provider=user).count():
        raise AccountNeeded(
            f"You own {count(number, 'API')}, which {agree(number, 'needs', 'need')} you. Delete what you own in the "
            "Publisher first, or ask an administrator to disable your account."
        )
