"""`manage.py rotate_vault_key`: a new key for secrets at rest."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.operations import seal_apps_again
from apimanager import bootstrap, fingerprint, key_files
from core import vault
from publisher.operations.secrets import seal_again


class Command(BaseCommand):
    """Make a new key, and seal every secret with it. Safe to run again, and while everything runs."""

    help = "Make a new key for the secrets at rest (APIM_VAULT_KEY_FILE) and seal all of them with it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """The new key is in the file, beside the one before, before anything is sealed with it."""
        bootstrap.check_migrated()
        path = settings.VAULT_KEY_FILE
        key_files.replace(path, vault.rotated(path.read_text()))
        try:
            number = seal_again(actor=None, now=timezone.now()) + seal_apps_again()
        except vault.CannotOpen as error:
            raise CommandError(str(error)) from error
        fingerprint.renew(timezone.now(), only="APIM_VAULT_KEY_FILE")
        self.stdout.write(f"{path} has a new key, and {number} secrets are sealed with it.")
