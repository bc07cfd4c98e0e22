"""Addresses that are confirmed, passwords that were forgotten, accounts that are deleted by their owners."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.db import transaction
from django.db.models import ProtectedError, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.account_hooks import DELETION_HOOKS
from accounts.models import Notification, Passkey, RecoveryCode, RoleGrant, SecondFactor, SignIn, User
from accounts.operations.account_news import tell_of_account
from accounts.operations.mail import post_mail
from accounts.operations.users import check_password, check_policy, keep_an_administrator
from accounts.roles import Role
from core.audit import record_change
from core.errors import NotFound
from core.sentences import Sentence
from core.translating import gettext_noop

CONFIRMATION, CONFIRMABLE = "accounts.confirm-email", timedelta(days=3)
MOST_FORGOTTEN = 5  # accounts of one address that are written to


class LinkOver(NotFound):
    """A link out of an e-mail that is too old, used, or not ours."""

    sentence = gettext_noop("This link is too old, was used already, or is not whole. Ask for a new one.")


def send_confirmation(*, user: User, now: datetime) -> bool:
    """Write to somebody's address with a link that shows it to be theirs; whether e-mail is set up at all."""
    if not user.email:
        return False
    token = signing.dumps({"user": user.pk, "email": user.email}, salt=CONFIRMATION)
    link = f"{settings.PORTAL_URL}{reverse('accounts:email-confirmation', args=[token])}"
    with translation.override(user.mail_language):
        text = _(
            "Hello %(name)s,\n\nopen this link within three days to confirm that this is your address:\n\n%(link)s\n\n"
            "If you have not asked for it, do nothing.\n"
        ) % {"name": user.username, "link": link}
        return bool(post_mail(to=[user.email], subject=_("Confirm your e-mail address"), text=text, now=now))


def whose_confirmation(token: str) -> User:
    """The person whose address a link confirms. Raises LinkOver."""
    try:
        said = signing.loads(token, salt=CONFIRMATION, max_age=CONFIRMABLE)
    except signing.BadSignature:
        raise LinkOver from None
    user = User.objects.filter(pk=said["user"], email=said["email"]).first()
    if user is None:
        raise LinkOver
    return user


@transaction.atomic
def confirm_email(*, token: str, now: datetime) -> User:
    """Take an address for its owner's. Raises LinkOver."""
    user = whose_confirmation(token)
    user.confirmed_email = user.email
    user.save(update_fields=["confirmed_email"])
    record_change(user, "email_confirmed", actor=user, now=now)
    return user


def send_password_links(*, said: str, now: datetime) -> None:
    """Write to whoever has this user name or this confirmed address. Nobody learns whether there is such a person."""
    people = User.objects.filter(Q(username_key=said) | Q(email_key=said), is_active=True, is_service=False)
    for user in people[:MOST_FORGOTTEN]:
        if user.may_be_mailed:
            token = default_token_generator.make_token(user)
            link = f"{settings.PORTAL_URL}{reverse('accounts:password-choice', args=[user.pk, token])}"
            with translation.override(user.mail_language):
                text = _(
                    "Hello %(name)s,\n\nopen this link to choose a new password:\n\n%(link)s\n\nIt works once, for "
                    "three days. If you have not asked for it, do nothing: your password stays.\n"
                ) % {"name": user.username, "link": link}
                post_mail(to=[user.email], subject=_("Choose a new password"), text=text, now=now)


def whose_password(pk: int, token: str) -> User:
    """The person whose password a link lets choose. Raises LinkOver."""
    user = User.objects.filter(pk=pk, is_active=True, is_service=False).first()
    if user is None or not default_token_generator.check_token(user, token):
        raise LinkOver
    return user


def choose_password(*, pk: int, token: str, new_password: str, now: datetime) -> User:
    """Set the password of somebody who forgot it; every session ends. Raises LinkOver or WeakPassword."""
    user = whose_password(pk, token)
    before = user.password
    check_policy(new_password, user, field="new_password")
    user.set_password(new_password)  # slow: nobody waits for a lock
    with transaction.atomic():
        found = User.objects.filter(pk=user.pk, password=before)
        if found.update(password=user.password, must_change_password=False) != 1:
            raise LinkOver
        SignIn.objects.filter(user=user).delete()
        SecondFactor.objects.filter(user=user).update(wrong=0, wrong_at=None)  # whoever guessed knew the old password
        record_change(user, "password_changed", actor=user, now=now, forgotten=True)
        sentence = gettext_noop("Your password was chosen anew by a link out of an e-mail; all sessions have ended.")
        tell_of_account(user, Sentence(sentence), now)
    return user


@transaction.atomic
def delete_account(*, user: User, password: str, now: datetime) -> None:
    """Delete one's own account with all applications, keys and tokens; their connections are closed.

    Where others need what somebody wrote, comments above all, a nameless row stays as its author. Raises WrongPassword,
    LastAdministrator, or AccountNeeded for somebody whose APIs are there.
    """
    check_password(user=user, password=password)
    if Role.ADMIN in user.roles:
        keep_an_administrator(user)
    for hook in DELETION_HOOKS:
        hook(user, now)
    record_change(user, "deleted", actor=user, now=now)
    row = User.objects.get(pk=user.pk)
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError:  # take everything away that says who it was
        for model in (RoleGrant, SignIn, Notification, SecondFactor, RecoveryCode, Passkey):
            model._default_manager.filter(user=row).delete()
        row.username, row.first_name, row.last_name = f"deleted-{row.pk}", "", ""
        row.email, row.confirmed_email, row.is_active = "", "", False
        row.time_zone, row.language, row.seen_language = "", "", ""
        row.set_unusable_password()
        row.save()
