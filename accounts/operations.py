"""Changes to accounts. Each is one transaction and one row in the audit log."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import RoleGrant, User
from accounts.permissions import require_change_account, require_manage_users
from accounts.roles import Role
from core import rows
from core.audit import record_change
from core.errors import Conflict, Invalid
from core.values import invalid


class UsernameTaken(Invalid):
    """Somebody has this name already, perhaps in other capitals."""

    def __init__(self, username: str) -> None:
        sentence = f"The name {username} is taken. Choose another, or sign in if it is yours."
        super().__init__(sentence, {"username": sentence})


class WrongPassword(Invalid):
    """The current password was not given right."""

    def __init__(self) -> None:
        sentence = "This is not your current password. Type the one you signed in with."
        super().__init__(sentence, {"current_password": sentence})


class WeakPassword(Invalid):
    """The new password does not keep to the policy; the sentence says what to change."""

    def __init__(self, sentences: list[str], field: str) -> None:
        super().__init__(" ".join(sentences), {field: " ".join(sentences)})


class LastAdministrator(Conflict):
    """Without this person nobody could manage the installation."""

    def __init__(self, user: User) -> None:
        super().__init__(f"{user.display_name} is the last administrator. Make somebody else one first.")


class NothingToChange(Conflict):
    """The account is already as it was asked to be."""


def sign_up(*, username: str, password: str, now: datetime, email: str = "") -> User:
    """Create somebody's own account with the role subscriber; raises UsernameTaken, WeakPassword or Invalid."""
    user = new_user(username=username, email=email, password=password, now=now)  # slow: nobody waits for a lock
    with transaction.atomic():
        return admit(user, [Role.SUBSCRIBER], actor=user, now=now)


@transaction.atomic
def create_user(
    *, username: str, password: str, roles: Iterable[Role], actor: User, now: datetime, email: str = ""
) -> User:
    """Create an account for somebody else, who is asked to change the password at the first sign-in."""
    require_manage_users(actor)
    user = new_user(username=username, email=email, password=password, now=now)
    user.must_change_password = True
    return admit(user, roles, actor=actor, now=now)


@transaction.atomic
def change_password(*, user: User, new_password: str, actor: User, now: datetime, current_password: str = "") -> User:
    """Set a new password. People changing their own must give the current one; raises WrongPassword, WeakPassword."""
    require_change_account(actor, of=user)
    if actor == user and not user.check_password(current_password):
        raise WrongPassword
    check_policy(new_password, user, field="new_password")
    if actor == user and current_password == new_password:
        raise WeakPassword(["This is the password you have now. Choose a new one."], "new_password")
    user.set_password(new_password)
    user.must_change_password = actor != user
    user.save(update_fields=["password", "must_change_password"])
    record_change(user, "password_changed", actor=actor, now=now)
    return user


@transaction.atomic
def update_profile(*, user: User, first_name: str, last_name: str, email: str, actor: User, now: datetime) -> None:
    """Change how an account is called and where it is written to."""
    require_change_account(actor, of=user)
    user.first_name, user.last_name, user.email = first_name, last_name, email
    user.save(update_fields=["first_name", "last_name", "email"])
    record_change(user, "updated", actor=actor, now=now)


@transaction.atomic
def set_roles(*, user: User, roles: Iterable[Role], actor: User, now: datetime) -> None:
    """Make `roles` the roles that `user` holds; raises LastAdministrator where that would leave nobody in charge."""
    require_manage_users(actor)
    wanted = frozenset(roles)
    held = frozenset(Role(grant.role) for grant in RoleGrant.objects.select_for_update().filter(user=user))
    if wanted == held:
        raise NothingToChange(f"{user.display_name} holds exactly these roles already.")
    if Role.ADMIN in held - wanted:
        keep_an_administrator(user)
    RoleGrant.objects.filter(user=user, role__in=held - wanted).delete()
    grant(user, wanted - held)
    record_change(user, "roles_changed", actor=actor, now=now, roles=sorted(wanted), before=sorted(held))


@transaction.atomic
def disable_user(*, user: User, actor: User, now: datetime) -> None:
    """Shut somebody out: sessions end with the next request, tokens when the gateway reads the audit log."""
    require_manage_users(actor)
    if user.has_role(Role.ADMIN):
        keep_an_administrator(user)
    set_active(user, active=False)
    record_change(user, "disabled", actor=actor, now=now)


@transaction.atomic
def enable_user(*, user: User, actor: User, now: datetime) -> None:
    """Let somebody in again who was disabled."""
    require_manage_users(actor)
    set_active(user, active=True)
    record_change(user, "enabled", actor=actor, now=now)


def new_user(*, username: str, email: str, password: str, now: datetime) -> User:
    """An unsaved account whose name is free and whose password keeps to the policy."""
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError:
        sentence = "A name is made of letters, digits and the signs @ . + - _ and has no spaces."
        raise invalid(username=sentence) from None
    if User.objects.filter(username__iexact=username).exists():
        raise UsernameTaken(username)
    user = User(username=username, email=email, date_joined=now)
    check_policy(password, user, field="password")
    user.set_password(password)
    return user


def admit(user: User, roles: Iterable[Role], *, actor: User, now: datetime) -> User:
    """Save a new account with its roles and say so in the audit log."""
    rows.save(user, taken=lambda: UsernameTaken(user.username))
    granted = frozenset(roles)
    grant(user, granted)
    record_change(user, "created", actor=actor, now=now, roles=sorted(granted))
    return user


def check_policy(password: str, user: User, *, field: str) -> None:
    """Raise WeakPassword with every reason why `password` will not do for `user`."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(error.messages, field) from None


def grant(user: User, roles: Iterable[Role]) -> None:
    """Add rows for `roles` and forget what the object remembers of its roles."""
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role.value) for role in sorted(roles))
    user.__dict__.pop("roles", None)


def set_active(user: User, *, active: bool) -> None:
    """Claim the change of the active mark; raises NothingToChange when it is so already."""
    if User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active) != 1:
        raise NothingToChange(f"{user.display_name} is {'enabled' if active else 'disabled'} already.")
    user.is_active = active


def keep_an_administrator(user: User) -> None:
    """Raise LastAdministrator when no active person but `user` is one.

    Locks them all, so that two administrators cannot remove each other at the same moment.
    """
    admins = RoleGrant.objects.filter(role=Role.ADMIN, user__is_active=True, user__is_service=False)
    if set(admins.select_for_update().values_list("user", flat=True)) <= {user.pk}:
        raise LastAdministrator(user)
