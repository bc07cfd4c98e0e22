"""The Publisher's room."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save


class PublisherConfig(AppConfig):
    name = "publisher"

    def ready(self) -> None:
        """Add what exports hold beside the design, follow what APIs are found by, and delete abandoned uploads."""
        from accounts.account_hooks import DELETION_HOOKS
        from core import full_text, upkeep
        from core.models import AuditEntry
        from publisher.models import SearchText
        from publisher.operations import forget_uploads, forget_working_copies, search_texts, sections
        from publisher.permissions import require_owns_nothing

        def changed(instance: AuditEntry, created: bool, raw: bool, **_: Any) -> None:
            if created and not raw:
                search_texts.follow(instance)

        post_save.connect(changed, sender=AuditEntry, weak=False)
        post_migrate.connect(lambda using, **_: full_text.ensure_index(SearchText, using), sender=self, weak=False)
        sections.register()
        DELETION_HOOKS.register(require_owns_nothing)
        upkeep.register("uploads to import", forget_uploads)
        upkeep.register("working copies tried out", forget_working_copies)
