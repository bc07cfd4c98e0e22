from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Register what of this room is ever over."""
        from accounts import pruning

        pruning.connect()
