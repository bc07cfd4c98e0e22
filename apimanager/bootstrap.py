"""Bring the database to what this release needs, with the rows that a new installation starts with."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.bootstrap import ensure_administrator
from apimanager.preflight import CannotStart
from devportal.bootstrap import ensure_application_plans
from publisher.bootstrap import ensure_default_plans


def prepare_database(now: datetime, say: Callable[[str], None]) -> None:
    """Migrate what is pending and make what a first start makes. Call `check_database` before."""
    if _is_behind():
        say("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)
    ensure_administrator(now=now)
    ensure_default_plans()
    ensure_application_plans()


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
    if _is_behind():
        raise CannotStart("The database is not prepared for this release: run `manage.py setup` first.")


def _is_behind() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
