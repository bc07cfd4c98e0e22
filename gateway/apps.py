from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        """Let the Publisher know how many clients a change would touch."""
        from gateway.connections import heartbeat
        from gateway.control import loaders

        loaders.count_live_connections_with(heartbeat.live_connections)
