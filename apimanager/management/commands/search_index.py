"""`manage.py search_index`: what APIs are found by, written anew."""

from typing import Any

from django.core.management.base import BaseCommand

from apimanager import bootstrap
from publisher.operations import search_texts


class Command(BaseCommand):
    """Only needed where rows were changed past the product. Safe to run while everything runs."""

    help = "Write anew what APIs are found by: their names, descriptions, tags, topics and documents."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Say of how many APIs."""
        bootstrap.check_migrated()
        self.stdout.write(f"What is found of {search_texts.rebuild()} APIs is written anew.")
