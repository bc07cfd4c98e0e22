"""Bring the database to what this release needs, with the rows that a new installation starts with."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.bootstrap import ensure_administrator
from apimanager.preflight import CannotStart
from devportal.bootstrap import ensure_application_plans
from publisher.bootstrap import ensure_default_plans
from publisher.operations import search_texts

LOCK = 0x6170696D  # any number that means nothing else on this database
LOOKS_SECONDS = 0.2


def prepare_database(now: datetime, say: Callable[[str], None]) -> None:
    """Migrate what is pending and make what a first start makes. Call `check_database` before.

    Who comes while another process is at it, on this machine or another, waits for it.
    """
    with alone(lambda: say("Another setup is at work on the database; waiting for it …")):
        if is_behind():
            say("Preparing the database …")
            call_command("migrate", verbosity=0, interactive=False)
        ensure_administrator(now=now)
        ensure_default_plans()
        ensure_application_plans()
        search_texts.complete()


@contextmanager
def alone(on_wait: Callable[[], None]) -> Iterator[None]:
    """Be the only process that prepares this database; `on_wait` is called if another has to end first.

    The lock is PostgreSQL's own, on SQLite one on the folder of the file, and gone with the process that had it.
    """
    with ExitStack() as held:
        is_had, has_waited = False, False
        if connection.vendor == "postgresql":
            cursor = held.enter_context(connection.cursor())
            held.callback(cursor.execute, "SELECT pg_advisory_unlock(%s)", [LOCK])
        else:
            folder = os.open(Path(connection.settings_dict["NAME"]).parent, os.O_RDONLY)
            held.callback(os.close, folder)
        while not is_had:  # asked again and again, for a query that waits may be cut off
            if connection.vendor == "postgresql":
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
                is_had = cursor.fetchone()[0]
            else:
                with suppress(BlockingIOError):
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    is_had = True
            if not is_had:
                if not has_waited:
                    on_wait()
                has_waited = True
                time.sleep(LOOKS_SECONDS)
        yield


def check_database() -> None:
    """Raise CannotStart unless the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            connection.introspection.table_names(cursor)
    except DatabaseError as error:
        reason = str(error).strip().rpartition("\n")[2].strip()
        if settings.ON_SQLITE:
            raise CannotStart(
                f"The database {connection.settings_dict['NAME']} cannot be used ({reason}): restore it from a backup, "
                "move it away to start afresh, or name another with DATABASE_URL."
            ) from error
        raise CannotStart(
            f"The database named by DATABASE_URL does not answer ({reason}): start it or correct DATABASE_URL."
        ) from error


def check_migrated() -> None:
    """Raise CannotStart unless the database is one that `manage.py setup` has prepared for this release."""
    check_database()
    if is_behind():
        raise CannotStart("The database is not prepared for this release: run `manage.py setup` first.")


def is_behind() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
