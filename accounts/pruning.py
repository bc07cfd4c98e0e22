"""What of accounts is ever over: sessions, wrong passwords, the log of sign-ins, drafts, notifications."""

from datetime import datetime, timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Count

from accounts.models import Draft, Invitation, Notification, SignIn
from core.upkeep import delete_batch, register

MOST_NOTIFICATIONS = 200  # of one person
READ_NOTIFICATIONS, ALL_NOTIFICATIONS = timedelta(days=30), timedelta(days=90)
FORGOTTEN = timedelta(days=90)  # invitations that nobody has accepted, long after their links were over
MOST_SIGN_INS = 100_000  # rows of the log, if the days that it is kept for hold more


def connect() -> None:
    """Register all of it; called once, when the room is ready."""
    alive, cooloff = Session.objects.values("session_key"), timedelta(hours=settings.AXES_COOLOFF_TIME)
    register("sessions", lambda now: delete_batch(Session.objects.filter(expire_date__lt=now)))
    register("drafts", lambda now: delete_batch(Draft.objects.filter(created_at__lt=now - Draft.KEPT)))
    register("sign-in attempts", lambda now: delete_batch(AccessAttempt.objects.filter(attempt_time__lt=now - cooloff)))
    register("sign-ins", sign_ins)
    register("notifications", notifications)
    register("sign-ins of sessions", lambda now: delete_batch(SignIn.objects.exclude(session__in=alive)))
    register("invitations", lambda now: delete_batch(Invitation.objects.filter(sent_at__lt=now - FORGOTTEN)))


def sign_ins(now: datetime) -> int:
    """The log of who signed in, beyond its days and its rows."""
    over = now - timedelta(days=settings.SIGN_IN_LOG_DAYS)
    surplus = AccessLog.objects.order_by("-pk").values_list("pk", flat=True)[MOST_SIGN_INS : MOST_SIGN_INS + 1].first()
    return (
        delete_batch(AccessLog.objects.filter(attempt_time__lt=over))
        or delete_batch(AccessLog.objects.filter(pk__lte=surplus or 0))
        or delete_batch(AccessFailureLog.objects.filter(attempt_time__lt=over))
    )


def notifications(now: datetime) -> int:
    """What was read a month ago or told a quarter of a year ago, and what somebody was told before their newest 200."""
    many = (
        Notification.objects.order_by()
        .values("user")
        .annotate(number=Count("pk"))
        .filter(number__gt=MOST_NOTIFICATIONS)
    )
    deleted = delete_batch(Notification.objects.filter(read_at__lt=now - READ_NOTIFICATIONS)) or delete_batch(
        Notification.objects.filter(created_at__lt=now - ALL_NOTIFICATIONS)
    )
    if deleted:
        return deleted
    for person in many.values_list("user", flat=True)[:100]:
        theirs = Notification.objects.filter(user=person).order_by("-pk")
        oldest_kept = theirs.values_list("pk", flat=True)[MOST_NOTIFICATIONS - 1]
        deleted += delete_batch(Notification.objects.filter(user=person, pk__lt=oldest_kept))
    return deleted
