"""What administrators change while the product runs. Every process reads it anew after a few seconds."""

from django.core.cache import cache

from accounts.models import InstallationSettings

KEY, SECONDS = "installation-settings", 5
FIELDS = ("sign_up", "approve_applications", "approve_keys", "anonymous_browsing", "notice")


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
