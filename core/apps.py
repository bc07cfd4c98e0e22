from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        """Register what of this room is ever over."""
        from core import archive, upkeep

        upkeep.register("audit log", archive.archive_audit_log)
