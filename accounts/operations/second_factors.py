"""The second factor: an authenticator app, recovery codes, and what an administrator may take away."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts import one_time_codes
from accounts.models import Passkey, RecoveryCode, SecondFactor, User
from accounts.operations.account_news import tell_of_account
from accounts.operations.users import require_in_charge
from core import durations, vault
from core.audit import record_change
from core.errors import Conflict, Invalid, TooOften
from core.sentences import Sentence
from core.translating import gettext as _
from core.translating import gettext_noop, ngettext_noop

MOST_WRONG = 5
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=15), timedelta(days=1)


class WrongCode(Invalid):
    """A code that is none, was used, or is too old."""

    field = "code"
    sentence = gettext_noop("This code is not right, or was used already. Type the one that the app shows now.")


class TooManyCodes(TooOften):
    """So many codes were wrong that the next one has to wait."""


class NoSecondFactor(Conflict):
    """There is nothing to take away."""

    sentence = gettext_noop("There is no second factor. Reload to see how it stands.")


def set_up_app(*, user: User, secret: str, code: str, now: datetime) -> list[str]:
    """Take an authenticator app for somebody's second factor, once a code shows that it knows the secret.

    Returns recovery codes where this is the first factor. Raises WrongCode.
    """
    step = one_time_codes.step_of(secret, "".join(code.split()), now)
    if step is None:
        raise WrongCode(_("This is not the code of this moment. Type the one that the app shows now."))
    with transaction.atomic():
        codes = [] if user.has_second_factor else new_codes(user)
        known = {"sealed": vault.seal(secret), "last_step": step, "since": now, "wrong": 0, "wrong_at": None}
        SecondFactor.objects.update_or_create(user=user, defaults=known)
        record_change(user, "second_factor_added", actor=user, now=now, factor="app")
        sentence = gettext_noop("An authenticator app was added to your account as second factor.")
        tell_of_account(user, Sentence(sentence), now)
    return codes


@transaction.atomic
def remove_app(*, user: User, now: datetime) -> None:
    """Do without the authenticator app. Raises NoSecondFactor."""
    if SecondFactor.objects.filter(user=user).exclude(sealed="").update(sealed="", last_step=0, since=None) != 1:
        raise NoSecondFactor
    record_change(user, "second_factor_removed", actor=user, now=now, factor="app")
    forget_codes_of_nothing(user)
    tell_of_account(user, Sentence(gettext_noop("The authenticator app was removed from your account.")), now)


@transaction.atomic
def renew_recovery_codes(*, user: User, now: datetime) -> list[str]:
    """New recovery codes in place of those before. Raises NoSecondFactor."""
    if not user.has_second_factor:
        raise NoSecondFactor
    codes = new_codes(user)
    record_change(user, "recovery_codes_made", actor=user, now=now)
    sentence = gettext_noop("New recovery codes were made for your account; those before are void.")
    tell_of_account(user, Sentence(sentence), now)
    return codes


def check_code(*, user: User, code: str, now: datetime) -> None:
    """Take a code of the app, or a recovery code, once. Raises WrongCode, or TooManyCodes after several wrong ones.

    Each five wrong codes cost a wait, twice as long as the last one, a day at most: guessing leads nowhere.
    """
    typed = "".join(code.split())
    with transaction.atomic():
        SecondFactor.objects.get_or_create(user=user)
        row = SecondFactor.objects.select_for_update().get(user=user)
        waits, beyond = divmod(row.wrong, MOST_WRONG)
        if row.wrong_at and waits and not beyond:
            left = row.wrong_at + min(FIRST_WAIT * 2 ** min(waits - 1, 10), LONGEST_WAIT) - now
            if left > timedelta():
                seconds = int(left.total_seconds()) + 1
                wait = durations.roughly(max(60, seconds))
                sentence = _("Too many codes were wrong. Wait %(wait)s, then try again, or use a passkey.")
                raise TooManyCodes(sentence % {"wait": wait}, seconds)
        is_right = _take(row, typed, now)
        row.wrong, row.wrong_at = (0, None) if is_right else (row.wrong + 1, now)
        row.save(update_fields=["last_step", "wrong", "wrong_at"])
        if not is_right and row.wrong % MOST_WRONG == 0:
            record_change(user, "second_factor_wrong", actor=None, now=now, codes=row.wrong)
            sentence = gettext_noop(
                "Somebody who knows your password typed five wrong codes of the second factor. If it was not you, "
                "change your password now."
            )
            tell_of_account(user, Sentence(sentence), now)
    if not is_right:
        raise WrongCode


def _take(row: SecondFactor, code: str, now: datetime) -> bool:
    """Whether a code is right; then it is used up."""
    if len(code) == one_time_codes.DIGITS and code.isascii() and code.isdigit():
        try:
            step = one_time_codes.step_of(vault.unseal(row.sealed), code, now) if row.sealed else None
        except vault.CannotOpen as error:
            sentence = _("The secret of your app cannot be read here any more. Use a recovery code, or ask for help.")
            raise WrongCode(sentence) from error
        if step is None or step <= row.last_step:
            return False
        row.last_step = step
        return True
    digest = one_time_codes.digest_of(code)
    if not RecoveryCode.objects.filter(user=row.user, digest=digest).delete()[0]:
        return False
    left = RecoveryCode.objects.filter(user=row.user).count()
    record_change(row.user, "recovery_code_used", actor=row.user, now=now, left=left)
    used = ngettext_noop(
        "A recovery code was used to sign in; %(number)s code left.",
        "A recovery code was used to sign in; %(number)s codes left.",
    )
    tell_of_account(row.user, Sentence(*used, number=left), now)
    return True


@transaction.atomic
def reset_second_factor(*, user: User, actor: User | None, now: datetime) -> None:
    """Take app, passkeys and recovery codes away from somebody who has lost them. Raises NoSecondFactor."""
    require_in_charge(actor)
    if not user.has_second_factor:
        raise NoSecondFactor(f"{user.display_name} has no second factor.")
    SecondFactor.objects.filter(user=user).delete()
    Passkey.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    record_change(user, "second_factor_reset", actor=actor, now=now)
    sentence = gettext_noop(
        "An administrator took your second factor away; your password alone signs you in. Set up another."
    )
    tell_of_account(user, Sentence(sentence), now)


def new_codes(user: User) -> list[str]:
    """Recovery codes, to be kept on paper and each good for one sign-in, in place of those that somebody has."""
    shape = one_time_codes.RECOVERY_GROUPS, one_time_codes.RECOVERY_LENGTH
    codes = [one_time_codes.in_groups(*shape) for each in range(one_time_codes.RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=one_time_codes.digest_of(code)) for code in codes)
    return codes


def forget_codes_of_nothing(user: User) -> None:
    """Recovery codes go with the last factor that they stand in for."""
    if not user.has_second_factor:
        RecoveryCode.objects.filter(user=user).delete()


@transaction.atomic
def seal_apps_again() -> int:
    """Seal the secrets of all apps with the first key of the vault; how many. Raises core.vault.CannotOpen."""
    apps = list(SecondFactor.objects.select_for_update().exclude(sealed=""))
    for app in apps:
        SecondFactor.objects.filter(pk=app.pk).update(sealed=vault.seal(vault.unseal(app.sealed)))
    return len(apps)
