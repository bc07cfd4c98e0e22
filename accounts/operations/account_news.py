"""What people are told of their own account, always by e-mail too: somebody else may have done it."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from accounts.models import User
from accounts.notification_kinds import NotificationKind
from accounts.operations.notifications import notify
from accounts.portals import DEVPORTAL
from core.sentences import Sentence
from core.translating import gettext_noop

IF_NOT_YOU = gettext_noop(
    "If it was not you, change your password, end the other sessions on the page Sessions of your account, and tell "
    "an administrator."
)


def tell_of_account(user: User, sentence: Sentence, now: datetime, page: str = "account") -> None:
    """Tell somebody what happened to their account; `page` is the page of it that shows more."""
    link = reverse(f"accounts:{page}", args=[DEVPORTAL])
    notify(
        people=[user], kind=NotificationKind.ACCOUNT, sentence=sentence, link=link, now=now, more=[Sentence(IF_NOT_YOU)]
    )
