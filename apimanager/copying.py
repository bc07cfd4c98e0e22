"""Move an installation from one database into another: every row with its id, and the sequences after the last of them.

The keys of the data folder and the settings are not in a database: they stay where they are, so sessions, tokens and
sealed secrets go on being valid. Rows are written as they are. Nothing of a model's own runs: no default, no receiver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.apps import apps
from django.core.management.color import no_style
from django.core.management.sql import sql_flush
from django.db import DatabaseError, connection, connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from accounts.models import User
from apimanager.preflight import CannotStart
from core.rows import batches
from devportal.models import Application
from publisher.models import Api

BATCH: Final = 500
SOURCE: Final = "source"


class CannotCopy(CannotStart):
    """The rows cannot be moved; the sentence says why and what to do. The database they were to go to is as before."""


@contextmanager
def source(address: dict[str, Any]) -> Iterator[None]:
    """Have the database at this address (a value of DATABASES) at hand to read from. Raises CannotCopy."""
    defaults = {name: value for name, value in connection.settings_dict.items() if name in ("TIME_ZONE", "TEST")}
    connections.settings[SOURCE] = {
        **{"ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "OPTIONS": {}},
        **defaults,
        **address,
    }
    try:
        connections[SOURCE].connect()
        yield
    except DatabaseError as error:
        raise CannotCopy(f"The database to copy from cannot be read ({error}).") from error
    finally:
        connections[SOURCE].close()
        del connections.settings[SOURCE], connections[SOURCE]


def check() -> None:
    """Raise CannotCopy unless the source is of this release, and nothing is here but what a first start makes."""
    theirs = set(MigrationRecorder(connections[SOURCE]).applied_migrations())
    ours = set(MigrationRecorder(connection).applied_migrations())
    if theirs != ours:
        raise CannotCopy(
            "The database to copy from is of another release: run `manage.py setup` of this release on it first, "
            "with DATABASE_URL as it was."
        )
    people = User.objects.exclude(must_change_password=True, username="admin")
    if people.exists() or Api.objects.exists() or Application.objects.exists():
        raise CannotCopy("There is an installation in this database already: name an empty one with DATABASE_URL.")


@transaction.atomic
def copy(say: Callable[[str], None]) -> int:
    """Put the rows of the source in the place of this database's, all or none; how many. Raises CannotCopy."""
    connection.check_constraints()  # none of them may be waiting when the tables are emptied
    with connection.cursor() as cursor:
        for statement in sql_flush(no_style(), connection, allow_cascade=True):
            cursor.execute(statement)
    total = 0
    for model in stored():
        number = 0
        for batch in batches(model._base_manager.using(SOURCE).order_by("pk").iterator(BATCH), BATCH):
            try:
                with transaction.atomic():
                    insert(batch)
            except (DatabaseError, ValueError) as error:
                raise _explained(batch, error) from error
            number += len(batch)
        if number:
            say(f"{model._meta.label}: {number}")
        total += number
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), stored()):
            cursor.execute(statement)
    connection.check_constraints()
    return total


def stored() -> list[type[models.Model]]:
    """Every model that has a table."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not model._meta.swapped
    ]


def insert(rows: list[models.Model]) -> None:
    model = type(rows[0])
    query: Any = models.QuerySet(model)
    query._insert(rows, fields=model._meta.concrete_fields, using=connection.alias, raw=True)


def _explained(batch: list[models.Model], error: Exception) -> CannotCopy:
    """Which row it is that this database does not take: SQLite takes texts of any length, with any characters."""
    for row in batch:
        try:
            with transaction.atomic():
                insert([row])
        except (DatabaseError, ValueError) as own:
            why = " ".join(str(own).split())
            return CannotCopy(f"{row._meta.label} {row.pk} cannot be copied ({why}). Correct it, then try again.")
    return CannotCopy(f"{batch[0]._meta.label} cannot be copied ({error}).")
