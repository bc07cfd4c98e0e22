"""What a visitor of the developer portal may ask for in vain. Refusals of operations stand beside the operations."""

from core.errors import NotFound
from core.translating import gettext_noop


class ApiNotListed(NotFound):
    """The API does not exist, or the viewer may not know of it."""

    sentence = gettext_noop(
        "There is no such API in the Developer Portal. It may have been withdrawn by its publisher."
    )


class ApplicationNotFound(NotFound):
    """The application does not exist or belongs to somebody else."""

    sentence = gettext_noop("You have no such application. It may have been deleted.")


class SubscriptionNotFound(NotFound):
    """The subscription does not exist or is not the viewer's to see."""

    sentence = gettext_noop("There is no such subscription. It may have been removed.")


class BlockNotFound(NotFound):
    """There is no such block, or it was lifted."""

    sentence = gettext_noop("There is no such block any more. It may have been lifted.")


class KeysNotFound(NotFound):
    """The application has no keys of this type."""

    sentence = gettext_noop("The application has no such keys. Generate them first.")


class TokenNotFound(NotFound):
    """The token has expired, was revoked, or belongs to somebody else."""

    sentence = gettext_noop("There is no such token any more: it has expired or was revoked.")


class DenyPolicyNotFound(NotFound):
    """There is no such deny policy, or it was deleted."""

    sentence = gettext_noop("There is no such deny policy. It may have been deleted.")


class MemberNotFound(NotFound):
    """The application is not shared with this person any more."""

    sentence = gettext_noop("The application is not shared with them any more. Reload to see with whom it is.")


class AttributeNotFound(NotFound):
    """Administrators do not ask for this any more."""

    sentence = gettext_noop("There is no such attribute any more. It may have been deleted.")
