"""Passwords that somebody else knows: that of the first start, and those that an administrator gave."""

from accounts.models import User
from core.errors import NotAllowed
from core.models import AuditEntry


class OwnPasswordNeeded(NotAllowed):
    """Somebody else chose this person's password, and there is no page here on which to choose another."""

    sentence = (
        "An administrator chose your password, for one sign-in only. Sign in to a portal and choose your own; then "
        "this is open to you again."
    )


FIRST_USERNAME = "admin"
FIRST_PASSWORD = "admin"  # noqa: S105 - the tutorial's first password, refused everywhere but on loopback


def is_first(user: User) -> bool:
    """Whether this is the account of the first start, whose password nobody has changed or reset since."""
    changes = ["user.password_changed", "user.password_reset"]
    rows = AuditEntry.objects.filter(kind=User.audit_kind, object_id=str(user.pk), verb__in=changes)
    return user.username == FIRST_USERNAME and not rows.exists()


def default_password_stands() -> bool:
    """Whether somebody could sign in as admin with the password of the first start.

    Hashes a password, so ask at start, not on every page. While it stands the server must listen on loopback only.
    """
    first = User.objects.filter(username_key=FIRST_USERNAME, is_active=True).first()
    return first is not None and first.check_password(FIRST_PASSWORD)


def default_password_is_marked() -> bool:
    """The same question for a page: answered by the mark on the row, without hashing."""
    first = User.objects.filter(username_key=FIRST_USERNAME, is_active=True, must_change_password=True).first()
    return first is not None and is_first(first)


def must_choose_another(user: User) -> bool:
    """Whether somebody else chose this person's password, so that it is good for one sign-in and nothing behind it.

    The password of the first start is not: the tutorial goes on with it, on this machine only.
    """
    return user.must_change_password and not is_first(user)
