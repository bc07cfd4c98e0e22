"""Who may call and how much: pages, key managers, schemas, rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.rest.documents import Neutral, Strict
from core.values import BadValue
from publisher import runtime
from publisher.api.documents.fields import OfTheWholeApi
from publisher.models import Api
from publisher.runtime import ValidationMode

EVERY_ORIGIN = ["*"]


class CorsConfiguration(OfTheWholeApi, Strict):
    """Which web pages may call, in WSO2's words: all of them while this is not enabled."""

    corsConfigurationEnabled = serializers.BooleanField(default=False)
    accessControlAllowOrigins = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="https://host, https://host:port, https://*.host"
    )

    ignored: ClassVar[frozenset[str]] = frozenset({"accessControlAllowHeaders", "accessControlAllowMethods"})
    neutral: ClassVar[Mapping[str, Neutral]] = {
        "accessControlAllowCredentials": Neutral.one_of(
            False, why="A WebSocket handshake has no such permission; the list of origins alone decides."
        ),
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A list that is switched on must have something on it."""
        if attrs["corsConfigurationEnabled"] and not attrs.get("accessControlAllowOrigins"):
            raise serializers.ValidationError({"accessControlAllowOrigins": "Name the origins that may call."})
        return attrs

    def to_representation(self, instance: Api) -> Any:
        """The list, and whether there is one."""
        return {
            "corsConfigurationEnabled": bool(instance.origins),
            "accessControlAllowOrigins": instance.origins or EVERY_ORIGIN,
        }


@extend_schema_field({"type": "object", "additionalProperties": {"type": "boolean"}})
class KeyManagers(serializers.Field):  # type: ignore[type-arg]
    """Names of key managers. WSO2's document calls them an object and its servers send a list; a list is taken too."""

    def to_representation(self, value: list[str]) -> dict[str, bool]:
        """Each name with true."""
        return dict.fromkeys(value, True)

    def to_internal_value(self, data: Any) -> list[str]:
        """The names. Raises ValidationError."""
        if isinstance(data, Mapping):
            data = [name for name, is_taken in data.items() if is_taken]
        try:
            return runtime.clean_key_managers(data)
        except BadValue as error:
            raise serializers.ValidationError(str(error)) from None


class EnforcesSchemas(serializers.BooleanField):
    """Payload validation as WSO2 knows it: schemas are enforced, or not."""

    def get_attribute(self, instance: Api) -> bool:
        """Whether they are."""
        return instance.payload_validation == ValidationMode.ENFORCE


class MaxTps(OfTheWholeApi, Strict):
    """The rate of the whole API in WSO2's words: messages a second, for either type of keys by itself."""

    production = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=runtime.FASTEST)
    sandbox = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=runtime.FASTEST)
    productionTimeUnit = serializers.ChoiceField(["SECOND"], required=False)
    sandboxTimeUnit = serializers.ChoiceField(["SECOND"], required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One figure, whichever it stands in."""
        given = {attrs[name] or 0 for name in ("production", "sandbox") if name in attrs}
        if len(given) > 1:
            sentence = "One rate holds for production and for sandbox keys, each by themselves: send the same for both."
            raise serializers.ValidationError({"sandbox": sentence})
        return {"production": next(iter(given), 0)}

    def to_representation(self, instance: Api) -> Any:
        """The rate twice; nothing where there is none."""
        if not instance.message_rate:
            return {}
        rate = {"production": instance.message_rate, "sandbox": instance.message_rate}
        return {**rate, "productionTimeUnit": "SECOND", "sandboxTimeUnit": "SECOND"}


def runtime_parts(given: Mapping[str, Any], present: Api | None) -> dict[str, Any]:
    """Rate, key managers, validation and origins where a valid body says them otherwise than by our own names."""
    parts: dict[str, Any] = {}
    if "maxTps" in given:
        parts["message_rate"] = (given["maxTps"] or {}).get("production", 0)
    if given.get("key_managers", ()) is None:
        parts["key_managers"] = runtime.all_key_managers()
    mode = present.payload_validation if present else ValidationMode.OFF
    is_enforced = mode == ValidationMode.ENFORCE
    if given.get("payload_validation", mode) == mode and given.get("enforces", is_enforced) != is_enforced:
        parts["payload_validation"] = ValidationMode.ENFORCE if given["enforces"] else ValidationMode.OFF
    if "corsConfiguration" in given:
        cors = given["corsConfiguration"] or {}
        listed = cors.get("accessControlAllowOrigins", [])
        parts["origins"] = listed if cors.get("corsConfigurationEnabled") and listed != EVERY_ORIGIN else []
    return parts
