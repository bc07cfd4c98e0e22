"""Telling people something: `notify`, from whatever room knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from accounts.models import Notification, NotificationChoice, User
from accounts.notification_kinds import TERMS, NotificationKind, on_one_line
from accounts.operations.mail import post_mail
from core.rows import batches
from core.sentences import Sentence

LONGEST_LINK = 300
SAID_AGAIN = timedelta(days=1)
AT_ONCE = 500  # people
Said = tuple[Sentence | str, ...]


def notify(
    *,
    people: Iterable[User],
    kind: NotificationKind,
    sentence: Sentence | str,
    link: str,
    now: datetime,
    more: Sequence[Sentence | str] = (),
) -> int:
    """Tell people something, each once and as they chose for this kind; returns how many were told in the portal.

    `sentence` says in one line what has happened and what to do; `link` is the path of the page it is about, as
    `reverse` makes it; `more` are further paragraphs of the e-mail. Each reads it in their own language, but what is a
    `str` everybody as it is. Call it in the transaction of what it tells of.
    Disabled people and service accounts are left out, and those who have the very same unread from less than a day ago,
    unless it is of a kind that is always sent.
    """
    if not link.startswith("/"):
        raise ValueError(f"{link} is no path on this server")
    told = {user.pk: user for user in people if user.is_active and not user.is_service}.values()
    return sum(_tell(batch, kind, (sentence, *more), link[:LONGEST_LINK], now) for batch in batches(told, AT_ONCE))


def _tell(people: list[User], kind: NotificationKind, said: Said, link: str, now: datetime) -> int:
    terms, first = TERMS[kind], said[0]
    with translation.override(settings.LANGUAGE_CODE):
        sentence = on_one_line(str(first))
    kept = first.kept() if isinstance(first, Sentence) else ""
    usual = (True, terms.by_mail)
    choices = NotificationChoice.objects.filter(user__in=people, kind=kind)
    chosen = {row.user_id: (row.in_portal, row.by_mail) for row in choices}
    alike = Notification.objects.filter(user__in=people, kind=kind, sentence=sentence, link=link, read_at=None)
    known = set(alike.filter(created_at__gt=now - SAID_AGAIN).values_list("user_id", flat=True))
    new = [user for user in people if terms.always_by_mail or user.pk not in known]
    rows = [
        Notification(user=user, kind=kind.value, sentence=sentence, said=kept, link=link, created_at=now)
        for user in new
        if chosen.get(user.pk, usual)[0]
    ]
    Notification.objects.bulk_create(rows)
    wanted = [user for user in new if terms.always_by_mail or chosen.get(user.pk, usual)[1]]
    mailed: dict[str, list[str]] = {}
    for user in wanted:
        if user.may_be_mailed:
            language = user.mail_language
            mailed.setdefault(language, []).append(user.email)
    for language, addresses in mailed.items():
        with translation.override(language):
            subject, *paragraphs = map(str, said)
            subject = on_one_line(subject)
            if terms.always_by_mail:
                why, page = gettext("This is about your account, %(link)s, and always sent by e-mail."), "account"
            else:
                why = gettext("You are told of this kind by e-mail: %(kind)s. Change it at %(link)s")
                page = "notifications/settings"
            foot = why % {"kind": gettext(terms.label), "link": f"{settings.PORTAL_URL}/devportal/{page}"}
            text = "\n\n".join([subject, *paragraphs, f"{settings.PORTAL_URL}{link}", f"-- \n{foot}\n"])
        post_mail(to=addresses, subject=subject[:120], text=text, now=now)
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
