"""The Developer Portal's room."""

import logging

from django.apps import AppConfig


class DevportalConfig(AppConfig):
    name = "devportal"

    def ready(self) -> None:
        """Listen to tokens and publications, and keep the OAuth library from writing credentials into debug logs."""
        from devportal import pruning, publisher_hooks, token_audit

        publisher_hooks.connect()
        token_audit.connect()
        pruning.connect()
        for library in ("oauthlib", "oauth2_provider"):
            logging.getLogger(library).setLevel(logging.INFO)
