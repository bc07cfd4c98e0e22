"""E-mail: written down in the transaction that causes it, sent by a thread of a portal (`apimanager.mail`).

A mail server that is slow or away delays nobody's page, and loses nothing for a day.
"""

from __future__ import annotations

import json
import logging
import threading
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F

from accounts.models import OutgoingMail
from core import vault

MOST_WAITING = 10_000
AT_ONCE = 20
CLAIM = timedelta(minutes=5)
MOST_ATTEMPTS = 9  # 1, 2, 4, … minutes apart: more than eight hours
log = logging.getLogger("apimanager.mail")
posted = threading.Event()
"""Set where this process has written an e-mail down, so that it is sent at once."""


def post_mail(*, to: list[str], subject: str, text: str, now: datetime) -> int:
    """Write an e-mail down for each address; returns how many.

    None where e-mail is not set up (`settings.MAIL`), or where too many wait already, which the log says.
    """
    if not settings.MAIL or not to:
        return 0
    if OutgoingMail.objects.count() + len(to) > MOST_WAITING:
        log.warning("%d e-mails were not written: more than %d wait to be sent already.", len(to), MOST_WAITING)
        return 0
    sealed = vault.seal(json.dumps({"subject": " ".join(subject.split()), "text": text}))
    OutgoingMail.objects.bulk_create(OutgoingMail(to=each, sealed=sealed, created_at=now, due_at=now) for each in to)
    transaction.on_commit(posted.set)
    return len(to)


def deliver_mail(*, now: datetime) -> int:
    """Send what is due, a few at a time; returns how many were tried. One process sends each, once."""
    due = list(OutgoingMail.objects.filter(due_at__lte=now).order_by("due_at")[:AT_ONCE])
    if not due:
        return 0
    connection = get_connection()
    for mail in due:
        row = OutgoingMail.objects.filter(pk=mail.pk)
        if row.filter(due_at=mail.due_at).update(due_at=now + CLAIM, attempts=F("attempts") + 1) != 1:
            continue
        try:
            content = json.loads(vault.unseal(mail.sealed))
            subject, text, sender = content["subject"], content["text"], settings.DEFAULT_FROM_EMAIL
            EmailMessage(subject, text, sender, [mail.to], connection=connection).send()
        except (OSError, ValueError) as error:  # smtplib's are of the system; a broken address or seal is a value
            if mail.attempts + 1 >= MOST_ATTEMPTS:
                log.warning("An e-mail was given up after %d attempts: %s", MOST_ATTEMPTS, error)
                row.delete()
            else:
                log.warning("An e-mail could not be sent now: %s", error)
                row.update(due_at=now + timedelta(minutes=2**mail.attempts))
        else:
            row.delete()
    return len(due)
