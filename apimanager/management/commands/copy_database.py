"""`manage.py copy_database`: from SQLite to PostgreSQL."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import environ
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from apimanager import bootstrap, copying, pid_file


class Command(BaseCommand):
    """Fill the database of DATABASE_URL with what another one holds. Portal and gateway are to be stopped."""

    help = "Fill the new, empty database that DATABASE_URL names with all that another one holds."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from."""
        parser.add_argument("source", help="a SQLite file, or an address in the form of DATABASE_URL")

    def handle(self, *args: Any, source: str, **options: Any) -> None:
        """Say how many rows of what."""
        if pid_file.is_running(settings.GATEWAY_PID_FILE):
            raise copying.CannotCopy("A gateway runs with this data folder: stop all parts first.")
        if "://" not in source and not Path(source).is_file():
            raise copying.CannotCopy(f"There is no file {source}.")
        address = environ.Env.db_url_config(source if "://" in source else f"sqlite:///{Path(source).resolve()}")
        if str(address["NAME"]) == str(connection.settings_dict["NAME"]):
            raise copying.CannotCopy("DATABASE_URL names the same database: name the new one with it.")
        bootstrap.check_database()
        bootstrap.prepare_database(timezone.now(), self.stdout.write)
        with copying.source(address):
            copying.check()
            number = copying.copy(self.stdout.write)
        self.stdout.write(f"All {number} rows are copied. Start the parts with this DATABASE_URL.")
