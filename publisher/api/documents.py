"""An API as the REST API shows and takes it: WSO2's names on our rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.rest.documents import Constant, Moment, Strict
from publisher.models import Api

EVERY_ORIGIN = ["*"]
EVERY_TOPIC = [{"target": "/*", "verb": "SUBSCRIBE"}, {"target": "/*", "verb": "PUBLISH"}]


class EndpointAddress(Strict):
    """One address of a backend."""

    url = serializers.CharField(help_text="ws://host:port/path or wss://…")


class EndpointConfig(Strict):
    """Where the backend answers: WSO2's fields, and `options` for the advanced configuration (seconds)."""

    endpoint_type = serializers.ChoiceField(["ws"], default="ws")
    production_endpoints = EndpointAddress(required=False, allow_null=True)
    sandbox_endpoints = EndpointAddress(required=False, allow_null=True)
    production_failovers = EndpointAddress(many=True, required=False)
    sandbox_failovers = EndpointAddress(many=True, required=False)
    options = serializers.DictField(required=False, help_text="Timeouts, retries, suspension: see the reference.")

    ignored: ClassVar[frozenset[str]] = frozenset({"failOver"})

    def get_attribute(self, instance: Api) -> dict[str, Any]:
        """Both keys' addresses and the options."""
        return endpoint_config(instance)

    def to_representation(self, instance: Mapping[str, Any]) -> Any:
        """As it is."""
        return instance


class CorsConfiguration(Strict):
    """Which web pages may call, in WSO2's words: all of them while this is not enabled."""

    corsConfigurationEnabled = serializers.BooleanField(default=False)
    accessControlAllowOrigins = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="https://host, https://host:port, https://*.host"
    )

    ignored: ClassVar[frozenset[str]] = frozenset(
        {"accessControlAllowCredentials", "accessControlAllowHeaders", "accessControlAllowMethods"}
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A list that is switched on must have something on it."""
        if attrs["corsConfigurationEnabled"] and not attrs.get("accessControlAllowOrigins"):
            raise serializers.ValidationError({"accessControlAllowOrigins": "Name the origins that may call."})
        return attrs

    def get_attribute(self, instance: Api) -> dict[str, Any]:
        """The list, and whether there is one."""
        return {
            "corsConfigurationEnabled": bool(instance.origins),
            "accessControlAllowOrigins": instance.origins or EVERY_ORIGIN,
        }

    def to_representation(self, instance: Mapping[str, Any]) -> Any:
        """As it is."""
        return instance


class PlanNames(serializers.ListField):
    """The business plans of an API by name."""

    child = serializers.CharField()

    def get_attribute(self, instance: Api) -> list[str]:
        """The names in alphabetical order."""
        return sorted(plan.name for plan in instance.plans.all())


class Operation(serializers.Serializer):  # type: ignore[type-arg]
    """One direction of one topic."""

    target = serializers.CharField()
    verb = serializers.ChoiceField(["SUBSCRIBE", "PUBLISH"])
    uriMapping = serializers.CharField(required=False)
    scopes = serializers.ListField(child=serializers.CharField(), required=False)


@extend_schema_field(Operation(many=True))
class OperationsField(serializers.Field):  # type: ignore[type-arg]
    """The topics of an API as WSO2 lists them: one entry for each direction."""

    def get_attribute(self, instance: Api) -> Api:
        """The whole row."""
        return instance

    def to_representation(self, value: Api) -> list[dict[str, Any]]:
        """The declared topics, or every topic where none is declared."""
        return [
            {"target": topic["target"], "verb": verb.upper(), "uriMapping": topic["mapping"], "scopes": topic["scopes"]}
            for topic in value.topics
            for verb in topic["verbs"]
        ] or EVERY_TOPIC


class ApiInfo(serializers.Serializer):  # type: ignore[type-arg]
    """An API in a list."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    context = serializers.CharField(read_only=True)  # type: ignore[assignment]
    version = serializers.CharField(read_only=True)
    provider = serializers.CharField(source="provider.username", read_only=True)
    type = Constant("WS")
    lifeCycleStatus = serializers.CharField(source="state", read_only=True)
    workflowStatus = Constant("APPROVED")
    hasThumbnail = Constant(False)
    createdTime = Moment(source="created_at")
    updatedTime = Moment(source="updated_at")


class ApiDocument(Strict):
    """An API. What is left out on PUT stays as it is."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField()
    displayName = serializers.CharField(source="name", read_only=True)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    context = serializers.CharField()  # type: ignore[assignment]
    version = serializers.CharField()
    provider = serializers.CharField(source="provider.username", read_only=True)
    lifeCycleStatus = serializers.CharField(source="state", read_only=True)
    type = Constant("WS")
    isDefaultVersion = serializers.BooleanField(source="is_default_version", required=False)
    isRevision = Constant(False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    policies = PlanNames(required=False)
    endpointConfig = EndpointConfig(required=False, allow_null=True)
    operations = OperationsField(read_only=True)
    corsConfiguration = CorsConfiguration(required=False, allow_null=True)
    queryToken = serializers.BooleanField(
        source="query_token", required=False, help_text="Whether a token may come in the address."
    )
    transport = Constant(["ws", "wss"])
    securityScheme = Constant(["oauth2"])
    authorizationHeader = Constant("Authorization")
    audience = Constant("PUBLIC")
    visibility = Constant("PUBLIC")
    accessControl = Constant("NONE")
    subscriptionAvailability = Constant("CURRENT_TENANT")
    endpointImplementationType = Constant("ENDPOINT")
    keyManagers = Constant(["all"])
    workflowStatus = Constant("APPROVED")
    hasThumbnail = Constant(False)
    createdTime = Moment(source="created_at")
    lastUpdatedTime = Moment(source="updated_at")

    ignored: ClassVar[frozenset[str]] = frozenset(
        {"lastUpdatedTime", "lastUpdatedTimestamp", "gatewayType", "gatewayVendor"}
    )


def endpoint_config(api: Api) -> dict[str, Any]:
    """The stored endpoint documents in WSO2's form."""
    config: dict[str, Any] = {"endpoint_type": "ws"}
    for key, stored in (("production", api.production), ("sandbox", api.sandbox)):
        if stored:
            config[f"{key}_endpoints"] = {"url": stored["url"]}
            config[f"{key}_failovers"] = [{"url": url} for url in stored.get("failover", [])]
    return {**config, "options": api.endpoint_options}


def parts_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the design (`publisher.design.PARTS`, without the names) that a valid body holds."""
    parts = {part: given[part] for part in ("tags", "is_default_version", "query_token") if part in given}
    if "description" in given:
        parts["description"] = given["description"] or ""
    if "corsConfiguration" in given:
        parts["origins"] = origins_listed(given["corsConfiguration"])
    if "endpointConfig" in given:
        parts |= _endpoints(given["endpointConfig"] or {})
    return parts


def origins_listed(cors: Mapping[str, Any] | None) -> list[str]:
    """The origins of a `corsConfiguration`; none where every page may call."""
    listed: list[str] = (cors or {}).get("accessControlAllowOrigins", [])
    return [] if not (cors or {}).get("corsConfigurationEnabled") or listed == EVERY_ORIGIN else listed


def _endpoints(config: Mapping[str, Any]) -> dict[str, Any]:
    options = {"endpoint_options": config["options"]} if "options" in config else {}
    return {"production": _addresses(config, "production"), "sandbox": _addresses(config, "sandbox"), **options}


def _addresses(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    primary = config.get(f"{key}_endpoints")
    spares = [spare["url"] for spare in config.get(f"{key}_failovers", [])]
    return {"url": primary["url"] if primary else "", "failover": spares}
