"""Passkeys of an account: made, named, removed, used."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import passkeys
from accounts.models import Passkey, User
from accounts.operations.account_news import tell_of_account
from accounts.operations.second_factors import forget_codes_of_nothing, new_codes
from accounts.passkeys import Challenge, Known, PasskeyRefused, Purpose
from core import rows
from core.audit import record_change
from core.errors import Conflict, NotFound
from core.sentences import Sentence
from core.translating import gettext as _
from core.translating import gettext_noop
from core.values import clean, clean_line

MOST_PASSKEYS, LONGEST_NAME = 10, 60
MISSING = gettext_noop("Give the passkey a name, such as that of the device.")
CLEANERS = {"name": lambda name: clean_line(name, LONGEST_NAME, _("A name"), _(MISSING))}


class PasskeyNotFound(NotFound):
    """There is no such passkey, or it is somebody else's."""

    sentence = gettext_noop("There is no such passkey. It may have been removed meanwhile.")


class TooManyPasskeys(Conflict):
    """A person has as many as anybody can tell apart."""

    sentence = gettext_noop("You have {most} passkeys. Remove one that you do not use any more.")


class PasskeyKnown(Conflict):
    """It is registered here already."""

    sentence = gettext_noop("This passkey is registered already. Use it, or choose another device.")


def ask(purpose: Purpose, *, user: User | None, now: datetime) -> tuple[dict[str, Any], Challenge]:
    """What a browser is asked for: the options for it, and what to keep until it answers. Raises TooManyPasskeys."""
    if user is None:
        return passkeys.ask_to_sign(purpose, now=now)
    theirs = list(Passkey.objects.filter(user=user))
    known = [row.credential_id for row in theirs]
    if purpose is not Purpose.REGISTRATION:
        return passkeys.ask_to_sign(purpose, user=user.pk, passkeys=known, now=now)
    if len(theirs) >= MOST_PASSKEYS:
        raise TooManyPasskeys(most=MOST_PASSKEYS)
    handle = bytes(theirs[0].handle) if theirs else None
    names = {"name": user.username, "display_name": user.display_name}
    return passkeys.ask_to_register(user=user.pk, handle=handle, **names, others=known, now=now)


def add_passkey(*, user: User, asked: Challenge, answer: str, name: str, now: datetime) -> list[str]:
    """Keep a passkey that was just made; returns recovery codes where it is the first factor.

    Raises PasskeyRefused, PasskeyKnown, TooManyPasskeys, or Invalid for a name.
    """
    called = clean({"name": name}, CLEANERS)["name"]
    credential_id, credential, sign_count = passkeys.registered(asked, answer)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two at the same moment are counted one after the other
        if Passkey.objects.filter(user=user).count() >= MOST_PASSKEYS:
            raise TooManyPasskeys(most=MOST_PASSKEYS)
        codes = [] if user.has_second_factor else new_codes(user)
        passkey = Passkey(user=user, name=called, credential_id=credential_id, credential=credential)
        passkey.handle, passkey.sign_count = bytes.fromhex(asked.state["handle"]), sign_count
        passkey.created_at, passkey.challenged_at = now, asked.at
        rows.save(passkey, PasskeyKnown)
        record_change(user, "passkey_added", actor=user, now=now, passkey=called)
        sentence = gettext_noop("The passkey “%(name)s” was added to your account.")
        tell_of_account(user, Sentence(sentence, name=called), now)
    return codes


@transaction.atomic
def rename_passkey(*, user: User, pk: int, name: str, now: datetime) -> None:
    """Call a passkey something else. Raises PasskeyNotFound, or Invalid for the name."""
    called = clean({"name": name}, CLEANERS)["name"]
    if Passkey.objects.filter(user=user, pk=pk).update(name=called) != 1:
        raise PasskeyNotFound
    record_change(user, "passkey_renamed", actor=user, now=now, passkey=called)


@transaction.atomic
def remove_passkey(*, user: User, pk: int, now: datetime) -> Passkey:
    """Let a passkey sign nobody in any more. Raises PasskeyNotFound."""
    passkey = Passkey.objects.filter(user=user, pk=pk).first()
    if passkey is None or not Passkey.objects.filter(pk=pk).delete()[0]:
        raise PasskeyNotFound
    record_change(user, "passkey_removed", actor=user, now=now, passkey=passkey.name)
    forget_codes_of_nothing(user)
    sentence = gettext_noop("The passkey “%(name)s” was removed from your account.")
    tell_of_account(user, Sentence(sentence, name=passkey.name), now)
    return passkey


def use_passkey(*, asked: Challenge, answer: str, now: datetime) -> User:
    """Whose passkey has signed what was asked, once. Raises PasskeyRefused."""
    found = Passkey.objects.filter(credential_id=passkeys.credential_id_of(answer), user__is_active=True)
    passkey = found.select_related("user").first()
    if passkey is None or (asked.user and asked.user != passkey.user_id):
        raise PasskeyRefused(_("This passkey is not known here. Sign in with your password, or use another."))
    known = Known(bytes(passkey.credential), bytes(passkey.handle), passkey.sign_count)
    sign_count = passkeys.signed(asked, answer, known)
    fresh = Passkey.objects.filter(pk=passkey.pk, challenged_at__lt=asked.at, sign_count=known.sign_count)
    if fresh.update(challenged_at=asked.at, sign_count=sign_count, used_at=now) != 1:
        raise PasskeyRefused
    return passkey.user
