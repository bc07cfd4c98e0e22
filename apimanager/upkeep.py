"""The thread of a portal process that sees to the upkeep of the installation, when no other process does."""

import logging
import os
import socket
import threading
from datetime import timedelta

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from core import database_clock, upkeep

LOOKS_SECONDS = 60.0

log = logging.getLogger("apimanager.upkeep")


def start() -> threading.Event:
    """Look once a minute whether it is time, until what is returned is set.

    UPKEEP_SECONDS of 0 leaves it to `manage.py prune`.
    """
    stop = threading.Event()
    if settings.UPKEEP_SECONDS:
        threading.Thread(target=_keep, args=[stop], name="upkeep", daemon=True).start()
    return stop


def run(*, asked: bool = False) -> dict[str, int] | None:
    """Delete what is over and say so in the log; None when it is not yet time, or somebody else is at it."""
    holder = f"{socket.gethostname()}:{os.getpid()}"
    every = timedelta(seconds=settings.UPKEEP_SECONDS or 3600)
    upkeep.run_frequent(holder=holder, clock=database_clock.now)
    deleted = upkeep.run(holder=holder, clock=database_clock.now, every=every, asked=asked)
    if deleted:
        log.info("Deleted what was over: %s.", ", ".join(f"{what} ({number})" for what, number in deleted.items()))
    return deleted


def _keep(stop: threading.Event) -> None:
    failing = False
    while not stop.wait(min(LOOKS_SECONDS, settings.UPKEEP_SECONDS)):
        try:
            run()
            failing = False
        except DatabaseError as error:
            if not failing:
                log.warning("What is over cannot be deleted now: %s", error)
            failing = True
        finally:
            connections.close_all()  # nothing is held from one hour to the next
