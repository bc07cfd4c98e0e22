"""Checks that keep an installation from being open to everybody."""

from accounts.models import User

FIRST_USERNAME = "admin"
FIRST_PASSWORD = "admin"  # noqa: S105 - the tutorial's first password, refused everywhere but on loopback


def default_password_stands() -> bool:
    """Whether somebody could sign in as admin with the password of the first start.

    Hashes a password, so ask at start, not on every page. While it stands the server must listen on loopback only.
    """
    first = User.objects.filter(username_key=FIRST_USERNAME, is_active=True).first()
    return first is not None and first.check_password(FIRST_PASSWORD)
