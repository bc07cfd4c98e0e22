"""Telling people something: `notify`, from whatever room knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Notification, NotificationChoice, User
from accounts.notification_kinds import TERMS, NotificationKind
from accounts.operations.mail import post_mail
from core.rows import batches

LONGEST_SENTENCE, LONGEST_LINK = 500, 300
SAID_AGAIN = timedelta(days=1)
AT_ONCE = 500  # people


def notify(
    *, people: Iterable[User], kind: NotificationKind, sentence: str, link: str, now: datetime, more: str = ""
) -> int:
    """Tell people something, each once and as they chose for this kind; returns how many were told in the portal.

    `sentence` says in one line what has happened and what to do; `link` is the path of the page it is about, as
    `reverse` makes it; `more` is what else stands in the e-mail. Call it in the transaction of what it tells of.
    Disabled people and service accounts are left out, and those who have the very same unread from less than a day ago,
    unless it is of a kind that is always sent.
    """
    if not link.startswith("/"):
        raise ValueError(f"{link} is no path on this server")
    words = " ".join(sentence.split())
    sentence = words if len(words) <= LONGEST_SENTENCE else f"{words[: LONGEST_SENTENCE - 1]}…"
    told = {user.pk: user for user in people if user.is_active and not user.is_service}.values()
    said = (sentence, link[:LONGEST_LINK], more)
    return sum(_tell(batch, kind, said, now) for batch in batches(told, AT_ONCE))


def _tell(people: list[User], kind: NotificationKind, said: tuple[str, str, str], now: datetime) -> int:
    sentence, link, more = said
    terms = TERMS[kind]
    usual = (True, terms.by_mail)
    choices = NotificationChoice.objects.filter(user__in=people, kind=kind)
    chosen = {row.user_id: (row.in_portal, row.by_mail) for row in choices}
    alike = Notification.objects.filter(user__in=people, kind=kind, sentence=sentence, link=link, read_at=None)
    known = set(alike.filter(created_at__gt=now - SAID_AGAIN).values_list("user_id", flat=True))
    new = [user for user in people if terms.always_by_mail or user.pk not in known]
    rows = [
        Notification(user=user, kind=kind.value, sentence=sentence, link=link, created_at=now)
        for user in new
        if chosen.get(user.pk, usual)[0]
    ]
    Notification.objects.bulk_create(rows)
    wanted = [user for user in new if terms.always_by_mail or chosen.get(user.pk, usual)[1]]
    mailed = [user.email for user in wanted if user.may_be_mailed]
    foot = f"-- \nThis is about your account, {settings.PORTAL_URL}/devportal/account, and always sent by e-mail.\n"
    if not terms.always_by_mail:
        why = f"You are told of this kind by e-mail: {terms.label}. Change it at"
        foot = f"-- \n{why} {settings.PORTAL_URL}/devportal/notifications/settings\n"
    text = "\n\n".join(filter(None, [sentence, more, f"{settings.PORTAL_URL}{link}", foot]))
    post_mail(to=mailed, subject=sentence[:120], text=text, now=now)
    return len(rows)


@transaction.atomic
def mark_read(*, user: User, now: datetime, pk: int | None = None) -> int:
    """Mark one of a person's notifications as read, or all of them; returns how many were not."""
    unread = Notification.objects.filter(user=user, read_at=None)
    return (unread if pk is None else unread.filter(pk=pk)).update(read_at=now)


@transaction.atomic
def choose_notifications(*, user: User, choices: Mapping[NotificationKind, tuple[bool, bool]]) -> None:
    """Keep how a person wants to be told: for each kind, whether in the portal and whether by e-mail."""
    NotificationChoice.objects.filter(user=user).delete()
    NotificationChoice.objects.bulk_create(
        NotificationChoice(user=user, kind=kind.value, in_portal=in_portal, by_mail=by_mail)
        for kind, (in_portal, by_mail) in choices.items()
    )
