"""The thread of a portal process that sends e-mails: at once what this process writes down, soon what others do."""

import logging
import threading

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from accounts import operations
from accounts.operations.mail import posted

LOOKS_SECONDS = 30.0

log = logging.getLogger("apimanager.mail")


def start() -> None:
    """Send e-mails for as long as the process lives, where they are set up."""
    if settings.MAIL:
        threading.Thread(target=_send, name="mail", daemon=True).start()


def _send() -> None:
    while True:
        posted.wait(LOOKS_SECONDS)
        posted.clear()
        try:
            while operations.deliver_mail(now=timezone.now()):
                pass
        except DatabaseError as error:
            log.warning("E-mails cannot be sent now: %s", error)
        finally:
            connections.close_all()
