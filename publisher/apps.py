"""The Publisher's room."""

from django.apps import AppConfig


class PublisherConfig(AppConfig):
    name = "publisher"

    def ready(self) -> None:
        """Add what exports hold beside the design, and have uploads deleted that nobody came back to."""
        from accounts import farewells
        from core import upkeep
        from publisher.operations import forget_uploads, forget_working_copies, sections
        from publisher.permissions import require_owns_nothing

        sections.register()
        farewells.register(require_owns_nothing)
        upkeep.register("uploads to import", forget_uploads)
        upkeep.register("working copies tried out", forget_working_copies)
