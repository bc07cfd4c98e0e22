from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        """Let the rooms below know how many clients a change would touch."""
        from accounts import consequences
        from gateway.connections import heartbeat, queries
        from gateway.control import loaders

        consequences.register(queries.holdings_of)
        loaders.count_live_connections_with(heartbeat.live_connections)
