"""`manage.py serviceaccount`: a way into the REST API for a program."""

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.roles import Role
from core.errors import DomainError
from devportal.operations import service_accounts

EXAMPLE = """
Keep the secret now: it is not shown again.

  curl -u {id} -d grant_type=client_credentials {url}/oauth2/token     (asks for the secret)

Send the access_token of the answer as Authorization: Bearer to {url}/api/am/…
"""


class Command(BaseCommand):
    """Create a service account and print its client id and secret, once."""

    help = "Create a service account for the REST API and print its client id and secret, once."

    def add_arguments(self, parser: CommandParser) -> None:
        """The name, its roles, and the right to introspect."""
        parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
        parser.add_argument("name", help="user name of the service account")
        parser.add_argument(
            "--role", action="append", default=[], choices=[role.value for role in Role], help="may be repeated"
        )
        parser.add_argument("--introspect", action="store_true", help="may ask /oauth2/introspect about every token")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = service_accounts.create_service_account(
                name=options["name"],
                roles=map(Role, options["role"]),
                may_introspect=options["introspect"],
                actor=None,
                now=timezone.now(),
            )
        except DomainError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"client id      {made.client.client_id}")
        self.stdout.write(f"client secret  {made.secret}")
        self.stdout.write(EXAMPLE.format(id=made.client.client_id, url=settings.PORTAL_URL))
