"""Changes to accounts, one module since all share the last administrator, the roles and what ends with an account.

Each is one transaction and one row in the audit log. Where `actor` may be None, that is whoever works on the server
itself, at its command line: nobody else may pass it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from axes.utils import reset as forget_attempts
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from accounts import consequences, installation, one_time_codes
from accounts.account_hooks import DISABLING_HOOKS
from accounts.models import InstallationSettings, RoleGrant, SignIn, User
from accounts.operations import sign_ups
from accounts.operations.account_news import tell_of_account
from accounts.permissions import require_change_account, require_manage_users
from accounts.roles import Role, in_order
from core import rows
from core.audit import record_change
from core.errors import Conflict, DomainError, Invalid, NotAllowed
from core.lookalikes import looks, possible_looks
from core.sentences import Sentence
from core.text import listed
from core.translating import gettext as _
from core.translating import gettext_noop
from core.values import invalid


class UsernameTaken(Invalid):
    """Somebody has this name already, perhaps in other capitals."""

    field = "username"
    sentence = gettext_noop("The name {name} is taken. Choose another, or sign in if it is yours.")


class UsernameLooksTaken(Invalid):
    """Another name looks like this one."""

    field = "username"
    sentence = gettext_noop(
        "People would take {name} for a name that is taken or reserved. Choose one that looks different."
    )


class TooManySignUps(DomainError):
    """More people have made accounts today than the installation lets in."""

    status = 429
    code = 900429
    headers = {"Retry-After": "3600"}
    sentence = gettext_noop(
        "Too many accounts were made today. Come back tomorrow, or ask an administrator to make an account for you."
    )


class SignUpClosed(NotAllowed):
    """Administrators make the accounts here."""

    sentence = gettext_noop("Nobody makes their own account here. Ask an administrator for one.")


class WrongPassword(Invalid):
    """The current password was not given right."""


class WeakPassword(Invalid):
    """The new password does not keep to the policy; the sentence says what to change."""


class LastAdministrator(Conflict):
    """Without this person nobody could manage the installation."""


class RolesChanged(Conflict):
    """Somebody else has changed the roles since they were looked at."""


class NothingToChange(Conflict):
    """The account is already as it was asked to be."""


class NoPassword(Conflict):
    """A service account signs in with keys, and one's own password is changed by whoever knows it."""


LONGEST_NAME = 150
RESERVED_LOOKS = frozenset({looks("system")})  # the audit log's name for the product itself
NOT_CURRENT = gettext_noop("This is not your current password. Type the one you signed in with.")
PASSWORD_GROUPS, PASSWORD_LENGTH = 4, 5  # 99 bits


def sign_up(*, username: str, password: str, now: datetime, email: str = "", language: str = "") -> User:
    """Create somebody's own account with the role subscriber; `awaits_approval` says whether it has to be approved.

    E-mails are in `language`, until another is chosen or seen at a sign-in.

    Raises SignUpClosed, UsernameTaken, WeakPassword, Invalid, or TooManySignUps when there have been SIGN_UPS_PER_DAY
    within a day.
    """
    how = installation.current().sign_up
    if how == InstallationSettings.SignUp.CLOSED:
        raise SignUpClosed
    new = User.objects.filter(date_joined__gt=now - timedelta(days=1), date_joined__lte=now, is_service=False)
    if new.count() >= settings.SIGN_UPS_PER_DAY > 0:
        raise TooManySignUps
    user = new_user(username=username, email=email, password=password, now=now)  # slow: nobody waits for a lock
    user.seen_language = language
    user.awaits_approval = how == InstallationSettings.SignUp.APPROVAL
    user.is_active = not user.awaits_approval
    with transaction.atomic():
        admit(user, [Role.SUBSCRIBER], actor=user, now=now)
        if user.awaits_approval:
            sign_ups.announce(user, now)
    return user


def create_user(
    *, username: str, password: str, roles: Iterable[Role], actor: User | None, now: datetime, email: str = ""
) -> User:
    """Create an account for somebody else, who has to change the password at the first sign-in."""
    require_in_charge(actor)
    user = new_user(username=username, email=email, password=password, now=now)  # slow: nobody waits for a lock
    user.must_change_password = True
    with transaction.atomic():
        return admit(user, roles, actor=actor, now=now)


def change_password(*, user: User, new_password: str, actor: User, now: datetime, current_password: str = "") -> User:
    """Set a new password. People changing their own must give the current one; raises WrongPassword, WeakPassword."""
    require_change_account(actor, of=user)
    if actor == user:
        check_password(user=user, password=current_password, field="current_password")
    before = user.password
    check_policy(new_password, user, field="new_password")
    if actor == user and current_password == new_password:
        sentence = _("This is the password you have now. Choose a new one.")
        raise WeakPassword(sentence, {"new_password": sentence})
    user.set_password(new_password)  # slow: nobody waits for a lock
    user.must_change_password = actor != user
    with transaction.atomic():
        held = User.objects.filter(pk=user.pk, **({"password": before} if actor == user else {}))
        if held.update(password=user.password, must_change_password=user.must_change_password) != 1:
            # It was changed or reset while this one was hashed.
            raise WrongPassword(_(NOT_CURRENT), {"current_password": _(NOT_CURRENT)})
        SignIn.objects.filter(user=user).delete()
        record_change(user, "password_changed", actor=actor, now=now)
        sentence = gettext_noop("Your password was changed, and all other sessions have ended.")
        tell_of_account(user, Sentence(sentence), now)
    return user


def check_password(*, user: User, password: str, field: str = "password") -> None:
    """Make sure that it is still the person who signed in. Raises WrongPassword."""
    if not user.check_password(password):
        raise WrongPassword(_(NOT_CURRENT), {field: _(NOT_CURRENT)})


def reset_password(*, user: User, actor: User | None, now: datetime) -> str:
    """Give somebody who cannot sign in a one-time password, which is returned here and kept nowhere.

    Ends their sessions and lifts the throttle on their sign-in. Raises NoPassword for oneself and for service accounts.
    """
    require_in_charge(actor)
    if user.is_service:
        raise NoPassword(f"{user.username} is a service account: it signs in with its keys and has no password.")
    if actor == user:
        raise NoPassword("Change your own password on the page of your account, with the one you have now.")
    password = one_time_password()
    user.set_password(password)  # slow: nobody waits for a lock
    user.must_change_password = True
    with transaction.atomic():
        user.save(update_fields=["password", "must_change_password"])
        forget_attempts(username=looks(user.username))  # as `views.sessions.counted_name` counts them
        SignIn.objects.filter(user=user).delete()
        record_change(user, "password_reset", actor=actor, now=now)
        sentence = gettext_noop("An administrator set a one-time password for you, and ended your sessions.")
        tell_of_account(user, Sentence(sentence), now)
    return password


@transaction.atomic
def end_sessions(*, user: User, actor: User | None, now: datetime) -> None:
    """Sign somebody out in every browser. Their password and their tokens stay."""
    require_in_charge(actor)
    User.objects.filter(pk=user.pk).update(session_round=F("session_round") + 1)
    user.refresh_from_db(fields=["session_round"])
    SignIn.objects.filter(user=user).delete()
    record_change(user, "sessions_ended", actor=actor, now=now)
    if actor != user:
        sentence = gettext_noop("An administrator signed you out everywhere.")
        tell_of_account(user, Sentence(sentence), now, page="sign-ins")


@transaction.atomic
def update_profile(
    *,
    user: User,
    first_name: str,
    last_name: str,
    email: str,
    time_zone: str | None = None,
    language: str | None = None,
    actor: User,
    now: datetime,
) -> None:
    """Change how an account is called, where it is written to, and in which time zone and language it reads.

    None leaves those two as they are; "" is UTC, and the browser's language.
    """
    require_change_account(actor, of=user)
    if email != user.email and user.may_be_mailed:  # told at the address that was theirs
        tell_of_account(user, Sentence(gettext_noop("The e-mail address of your account was changed.")), now)
    user.first_name, user.last_name, user.email = first_name, last_name, email
    user.time_zone = user.time_zone if time_zone is None else time_zone
    user.language = user.language if language is None else language
    user.save(update_fields=["first_name", "last_name", "email", "time_zone", "language"])
    record_change(user, "updated", actor=actor, now=now)


@transaction.atomic
def set_roles(
    *,
    user: User,
    roles: Iterable[Role],
    actor: User | None,
    now: datetime,
    seen: Iterable[Role] | None = None,
) -> None:
    """Make `roles` the roles that `user` holds; raises LastAdministrator where that would leave nobody in charge.

    Without subscriber and admin the tokens of their applications end, and with them the open connections. `seen` are
    the roles that the actor decided by: raises RolesChanged if they are not held any more.
    """
    require_in_charge(actor)
    wanted = frozenset(roles)
    held = frozenset(Role(grant.role) for grant in RoleGrant.objects.select_for_update().filter(user=user))
    if seen is not None and frozenset(seen) != held:
        present = listed([role.value for role in in_order(held)]) or "none"
        raise RolesChanged(
            f"Somebody has changed the roles of {user.display_name} meanwhile: now they are {present}. Nothing was "
            "saved; choose again."
        )
    if wanted == held:
        raise NothingToChange(f"{user.display_name} holds exactly these roles already.")
    if Role.ADMIN in held - wanted:
        keep_an_administrator(user)
    RoleGrant.objects.filter(user=user, role__in=held - wanted).delete()
    grant(user, wanted - held)
    record_change(user, "roles_changed", actor=actor, now=now, roles=sorted(wanted), before=sorted(held))
    if actor != user:
        names = [role.value for role in in_order(wanted)] or Sentence(gettext_noop("none"))
        sentence = gettext_noop("An administrator changed your roles: now they are %(roles)s.")
        tell_of_account(user, Sentence(sentence, roles=names), now)


@transaction.atomic
def set_active(*, user: User, active: bool, actor: User | None, now: datetime) -> None:
    """Shut somebody out, or let them in again. Raises LastAdministrator, or NothingToChange when it is so already.

    Their sessions end with the next request, their tokens when the gateway reads the audit log, and so it is with the
    tokens and secrets that they made of applications of others, whose owners are told. Nothing is deleted: letting them
    in again brings all of it back.
    """
    require_in_charge(actor)
    if not active and user.has_role(Role.ADMIN):
        keep_an_administrator(user)
    word = "enabled" if active else "disabled"
    held = consequences.of(user)
    if User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active) != 1:
        raise NothingToChange(f"{user.display_name} is {word} already.")
    user.is_active = active
    if active:
        record_change(user, "enabled", actor=actor, now=now)
        return
    SignIn.objects.filter(user=user).delete()
    suspended = {"tokens": held.tokens + held.made_tokens, "secrets": held.made_secrets}
    record_change(user, "disabled", actor=actor, now=now, **suspended)
    for tell in DISABLING_HOOKS:
        tell(user, now)


def require_in_charge(actor: User | None) -> None:
    """Raise RoleRequired unless `actor` manages users; None stands at the server itself."""
    if actor is not None:
        require_manage_users(actor)


def one_time_password() -> str:
    """A password to be told to somebody once: short enough to read out, too long to guess."""
    return one_time_codes.in_groups(PASSWORD_GROUPS, PASSWORD_LENGTH)


@transaction.atomic
def change_user(
    *, user: User, actor: User | None, now: datetime, roles: Iterable[Role] | None = None, active: bool | None = None
) -> None:
    """Bring an account to these roles and this state, both or neither; what is so already stays so."""
    if roles is not None and frozenset(roles) != frozenset(user.roles):
        set_roles(user=user, roles=roles, actor=actor, now=now)
    if active is not None and active != user.is_active:
        set_active(user=user, active=active, actor=actor, now=now)


def new_user(*, username: str, email: str, password: str, now: datetime) -> User:
    """An unsaved account whose name is free and whose password keeps to the policy."""
    username = User.normalize_username(username)
    if len(username) > LONGEST_NAME:
        sentence = _("A name has at most %(most)s letters. Shorten it.") % {"most": LONGEST_NAME}
        raise invalid(username=sentence)
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError:
        sentence = _("A name is made of letters, digits and the signs @ . + - _ and has no spaces.")
        raise invalid(username=sentence) from None
    if not any(sign.isalnum() for sign in username):
        raise invalid(username=_("A name has at least one letter or digit."))
    if User.objects.filter(username_key=username).exists():
        raise UsernameTaken(name=username)
    shapes = possible_looks(username)
    if shapes & RESERVED_LOOKS or User.objects.filter(username_look__in=shapes).exists():
        raise UsernameLooksTaken(name=username)
    user = User(username=username, email=email, date_joined=now)
    check_policy(password, user, field="password")
    user.set_password(password)
    return user


def admit(user: User, roles: Iterable[Role], *, actor: User | None, now: datetime) -> User:
    """Save a new account with its roles and say so in the audit log."""
    rows.save(user, taken=lambda: UsernameTaken(name=user.username))
    granted = frozenset(roles)
    grant(user, granted)
    record_change(user, "created", actor=actor, now=now, roles=sorted(granted))
    return user


def check_policy(password: str, user: User, *, field: str) -> None:
    """Raise WeakPassword with every reason why `password` will not do for `user`."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        sentence = " ".join(error.messages)
        raise WeakPassword(sentence, {field: sentence}) from None


def grant(user: User, roles: Iterable[Role]) -> None:
    """Add rows for `roles` and forget what the object remembers of its roles."""
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role.value) for role in sorted(roles))
    user.__dict__.pop("roles", None)


def keep_an_administrator(user: User) -> None:
    """Raise LastAdministrator when no active person but `user` is one.

    Locks them all, so that two administrators cannot remove each other at the same moment.
    """
    admins = RoleGrant.objects.filter(role=Role.ADMIN, user__is_active=True, user__is_service=False)
    if set(admins.select_for_update().values_list("user", flat=True)) <= {user.pk}:
        sentence = _("%(name)s is the last administrator. Make somebody else one first.")
        raise LastAdministrator(sentence % {"name": user.display_name})
