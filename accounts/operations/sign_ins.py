"""Sessions as their owner sees them: begun, used, ended one by one or all but this one."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F

from accounts.models import SignIn, User
from accounts.sessions import at_rest
from core.audit import record_change
from core.errors import NotFound
from core.translating import gettext_noop

NOTED = "noted"  # in a session that is noted here
USE_IS_NOTED = timedelta(minutes=10)
LONGEST_AGENT = 200


class SignInNotFound(NotFound):
    """There is no such session, or it has ended."""

    sentence = gettext_noop("This session has ended already.")


def note_sign_in(
    *, user: User, session_key: str, address: str, agent: str, now: datetime, language: str | None = None
) -> None:
    """Write down that a session was begun, or that it goes on under another key or after a while.

    `language` is what the browser asks for, if the page speaks it: e-mails will.
    """
    if language and language != (user.seen_language or settings.LANGUAGE_CODE):
        user.seen_language = language
        user.save(update_fields=["seen_language"])
    known = {"user": user, "address": address[:45], "agent": agent[:LONGEST_AGENT], "used_at": now}
    begun = {**known, "began_at": now}
    SignIn.objects.update_or_create(session=at_rest(session_key), defaults=known, create_defaults=begun)


def note_use(*, session_key: str, now: datetime) -> None:
    """Write down that a session is used, at most every ten minutes."""
    SignIn.objects.filter(session=at_rest(session_key), used_at__lt=now - USE_IS_NOTED).update(used_at=now)


@transaction.atomic
def end_sign_in(*, user: User, session: str, now: datetime) -> None:
    """End one of a person's own sessions. Raises SignInNotFound."""
    if not SignIn.objects.filter(user=user, session=session).delete()[0]:
        raise SignInNotFound
    Session.objects.filter(session_key=session).delete()
    record_change(user, "session_ended", actor=user, now=now)


@transaction.atomic
def end_other_sign_ins(*, user: User, now: datetime) -> None:
    """End all of a person's sessions; whoever asks goes on with `update_session_auth_hash`."""
    User.objects.filter(pk=user.pk).update(session_round=F("session_round") + 1)
    user.refresh_from_db(fields=["session_round"])
    theirs = SignIn.objects.filter(user=user)
    Session.objects.filter(session_key__in=theirs.values("session")).delete()
    theirs.delete()
    record_change(user, "sessions_ended", actor=user, now=now)
