from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        """Let the Publisher know how many clients a change would touch."""
        from gateway import catalogue, heartbeat

        catalogue.count_live_lines_with(heartbeat.live_lines)
