"""What administrators change while the product runs. Every process reads it anew after a few seconds."""

from django.core.cache import cache

from accounts.models import InstallationSettings, User
from accounts.roles import PUBLISHER_PORTAL
from core.errors import NotAllowed

KEY, SECONDS = "installation-settings", 5
FIELDS = (
    "sign_up",
    "approve_applications",
    "approve_keys",
    "approve_steps",
    "anonymous_browsing",
    "second_factor_needed",
    "notice",
)


class SecondFactorNeeded(NotAllowed):
    """Somebody has to set up a second factor before they may do anything else, and here is no page for it."""

    sentence = (
        "This installation asks you for a second factor. Sign in to a portal and set one up on the page of your "
        "account; then this is open to you again."
    )


def current() -> InstallationSettings:
    """The settings as they are, or were a few seconds ago."""
    known: InstallationSettings | None = cache.get(KEY)
    if known is None:
        known = InstallationSettings.objects.filter(pk=1).first() or InstallationSettings()
        cache.set(KEY, known, SECONDS)
    return known


def forget() -> None:
    """Read them anew the next time, in this process."""
    cache.delete(KEY)


def lacks_second_factor(user: User) -> bool:
    """Whether somebody must have a second factor here, and has none."""
    if not current().second_factor_needed or user.is_service or not user.roles & PUBLISHER_PORTAL:
        return False
    return not user.has_second_factor
