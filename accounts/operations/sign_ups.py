"""Accounts that people made themselves and that wait for an administrator."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.notification_kinds import NotificationKind
from accounts.operations.mail import post_mail
from accounts.operations.notifications import notify
from accounts.permissions import require_manage_users
from accounts.roles import Role
from core.audit import record_change
from core.errors import Conflict
from core.sentences import Sentence
from core.translating import gettext_noop


class DecidedAlready(Conflict):
    """Somebody else has decided meanwhile."""

    sentence = "Somebody else has decided this meanwhile. Reload to see how it stands."


def announce(user: User, now: datetime) -> None:
    """Tell administrators that somebody waits."""
    administrators = User.objects.filter(role_grants__role=Role.ADMIN, is_active=True)
    sentence = Sentence(gettext_noop("%(name)s has made an account and waits to be let in."), name=user.username)
    link = reverse("devportal-admin:approvals")
    notify(people=administrators, kind=NotificationKind.APPROVALS, sentence=sentence, link=link, now=now)


@transaction.atomic
def approve_sign_up(*, user: User, actor: User, now: datetime) -> None:
    """Let somebody in who waits. Raises RoleRequired or DecidedAlready."""
    require_manage_users(actor)
    waiting = User.objects.filter(pk=user.pk, awaits_approval=True)
    if waiting.update(awaits_approval=False, is_active=True) != 1:
        raise DecidedAlready
    record_change(user, "approved", actor=actor, now=now)
    sentence = gettext_noop("You may sign in: %(link)s")
    text = Sentence(sentence, link=f"{settings.PORTAL_URL}/devportal/sign-in")
    _write_to(user, gettext_noop("Your account was approved"), text, now)


@transaction.atomic
def reject_sign_up(*, user: User, reason: str, actor: User, now: datetime) -> None:
    """Delete the account of somebody who waits; the name is free again. Raises RoleRequired or DecidedAlready."""
    require_manage_users(actor)
    row = User.objects.select_for_update().filter(pk=user.pk, awaits_approval=True).first()
    if row is None:
        raise DecidedAlready
    record_change(row, "rejected", actor=actor, now=now, reason=reason)
    text = Sentence(gettext_noop("An administrator has not let you in. %(reason)s"), reason=reason)
    _write_to(row, gettext_noop("Your account was not approved"), text, now)
    row.delete()


def _write_to(user: User, subject: str, text: Sentence, now: datetime) -> None:
    if user.may_be_mailed:
        with translation.override(user.mail_language):
            post_mail(to=[user.email], subject=_(subject), text=f"{str(text).strip()}\n", now=now)
