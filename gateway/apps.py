from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        """Tell the rooms below what only the gateway knows: whom a change would touch, which tokens are used …"""
        from accounts import consequences
        from core import upkeep
        from devportal import documented_codes as shown
        from gateway.connections import log, queries
        from gateway.control import loaders
        from gateway.observability import documented_codes, health, refusal_log, violation_log
        from gateway.recording import operations, store
        from gateway.statistics import rollup, usage
        from gateway.upstream import dial_log

        consequences.register(queries.holdings_of)
        shown.register(documented_codes.refusals(), documented_codes.closes())
        upkeep.register("connections", log.prune)
        upkeep.register("dials", dial_log.prune)
        loaders.tell_dials_with(health.dials_of)
        upkeep.register("payload violations", violation_log.prune)
        loaders.tell_violations_with(violation_log.RECORDS)
        upkeep.register("recordings", store.prune)
        upkeep.frequent["recordings"] = operations.forget_orphaned
        upkeep.register("statistics", rollup.prune)
        upkeep.frequent["statistics"] = rollup.run
        upkeep.frequent["usage"] = usage.warn
        upkeep.frequent["statements"] = usage.freeze
        loaders.tell_health_with(health.health_of)
        loaders.answer_attempts_with(refusal_log.refusal_of)
        loaders.count_with(live=queries.live_by)
        loaders.tell_last_use_with(queries.last_opened_with)
