"""Who answers behind an API: addresses, when they rest, or the mock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from core.rest.documents import Neutral, Strict
from publisher import mock
from publisher.api.documents.fields import Number, OfTheWholeApi
from publisher.endpoint import EndpointOptions
from publisher.models import Api
from publisher.secret_options import hidden

NEVER = "-1"
ERROR_CODES = (
    *("101000", "101001", "101500", "101501", "101503", "101504"),
    *("101505", "101506", "101507", "101508", "101509", "101510"),
)


def _is_zero(value: Any) -> bool:
    return str(value).strip() in {"0", "0.0"}


class Suspension(Strict):
    """When an address that fails is left alone, in WSO2's words and milliseconds; both durations 0: never."""

    suspendDuration = Number(required=False, allow_null=True, min_value=0)
    suspendMaxDuration = Number(required=False, allow_null=True, min_value=0)
    factor = Number(required=False, allow_null=True, min_value=0)
    suspendErrorCode = serializers.ListField(child=serializers.CharField(), required=False)

    neutral: ClassVar[Mapping[str, Neutral]] = {
        "actionDuration": Neutral(_is_zero, "A WebSocket is not ended for being slow: leave it out."),
        "actionSelect": Neutral.one_of("fault", why="There is nothing to discard on a WebSocket: send fault."),
        "retryDelay": Neutral(_is_zero, "Send `retry_delay` in options, in seconds."),
        "retryErroCode": Neutral(lambda value: False, "Every failure to connect counts. Leave it out."),
        "retryTimeOut": Neutral(_is_zero, "Send `suspend_after` in options: the failures after which it rests."),
    }

    def validate_suspendErrorCode(self, codes: list[str]) -> list[str]:  # noqa: N802
        """Nothing, the code that means never, or all codes there are."""
        if codes in ([], [NEVER]) or set(codes) >= set(ERROR_CODES):
            return codes
        raise serializers.ValidationError(
            f"Every failure to connect counts: send none or all of the codes, or {NEVER} for never."
        )


class EndpointAddress(Strict):
    """One address of a backend, and when WSO2's clients would rest it: milliseconds, kept in the options."""

    url = serializers.CharField(allow_blank=True, help_text="ws://host:port/path or wss://…")
    config = Suspension(required=False, allow_null=True)

    ignored: ClassVar[frozenset[str]] = frozenset({"template_not_supported"})


class EndpointConfig(OfTheWholeApi, Strict):
    """Where the backend answers: WSO2's fields, and `options` for the advanced configuration (seconds)."""

    endpoint_type = serializers.ChoiceField(["ws"], default="ws")
    production_endpoints = EndpointAddress(required=False, allow_null=True)
    sandbox_endpoints = EndpointAddress(required=False, allow_null=True)
    production_failovers = EndpointAddress(many=True, required=False)
    sandbox_failovers = EndpointAddress(many=True, required=False)
    options = serializers.DictField(required=False, help_text="Timeouts, retries, suspension: see the reference.")

    neutral: ClassVar[Mapping[str, Neutral]] = {
        "failOver": Neutral(
            lambda value: str(value).lower() in {"true", "false"},
            "Addresses to fail over to are dialled where they are listed; send true or false.",
        ),
    }

    def to_representation(self, instance: Api) -> Any:
        """The stored documents, both keys' addresses and the options."""
        config: dict[str, Any] = {"endpoint_type": "ws"}
        suspension = _suspension(instance.endpoint_options)
        for key, stored in (("production", instance.production), ("sandbox", instance.sandbox)):
            if stored:
                config[f"{key}_endpoints"] = {"url": stored["url"], **suspension}
                config[f"{key}_failovers"] = [{"url": url} for url in stored.get("failover", [])]
        return {**config, "options": hidden(instance.endpoint_options)}


class MockDocument(OfTheWholeApi, Strict):
    """What the gateway says in place of a backend while `endpointImplementationType` is INLINE. Messages are lines."""

    on_connect = serializers.ListField(child=serializers.CharField(), required=False, help_text="Messages at once.")
    replies = serializers.ListField(child=serializers.CharField(), required=False, help_text="what => message")
    echo = serializers.BooleanField(required=False, help_text="Send back what no reply fits.")
    every = Number(required=False, min_value=0, max_value=mock.LONGEST, help_text="Seconds between `in_turn`; 0: off.")
    in_turn = serializers.ListField(child=serializers.CharField(), required=False, help_text="Sent again and again.")
    script = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="send MESSAGE, burst NUMBER MESSAGE, pause SECONDS, close CODE REASON, repeat",
    )

    def to_representation(self, instance: Api) -> Any:
        """The stored document, whole; whether it is on is said by `endpointImplementationType`."""
        return {name: value for name, value in {**mock.OFF, **instance.mock}.items() if name != "is_on"}


class ImplementationType(serializers.ChoiceField):
    """Who answers, in WSO2's words: the addresses (ENDPOINT), or the mock (INLINE)."""

    def get_attribute(self, instance: Api) -> str:
        """The mock while it is switched on."""
        return "INLINE" if instance.mock.get("is_on") else "ENDPOINT"


def endpoint_parts(given: Mapping[str, Any], present: Api | None) -> dict[str, Any]:
    """The mock, the addresses and their options, of a valid body. Raises ValidationError."""
    parts: dict[str, Any] = {}
    if "mock" in given or "endpointImplementationType" in given:
        stored = {**mock.OFF, **(present.mock if present else {})}
        stored |= (given["mock"] or mock.OFF) if "mock" in given else {}
        if "endpointImplementationType" in given:
            stored["is_on"] = given["endpointImplementationType"] == "INLINE"
        parts["mock"] = stored
    if "endpointConfig" in given:
        config = given["endpointConfig"] or {}
        for key in ("production", "sandbox"):
            primary = config.get(f"{key}_endpoints")
            spares = [spare["url"] for spare in config.get(f"{key}_failovers", [])]
            parts[key] = {"url": primary["url"] if primary else "", "failover": spares}
        parts |= _options(config, hidden(present.endpoint_options) if present else {})
    return parts


def _options(config: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The options to save, if any: those given, and over them what the addresses' `config` says otherwise."""
    present = {**EndpointOptions().to_document(), **stored}
    given = config.get("options")
    options = dict(present if given is None else given)
    said: dict[str, Any] = {}
    for part in ("production_endpoints", "sandbox_endpoints", "production_failovers", "sandbox_failovers"):
        documents = config.get(part) or []
        for document in documents if isinstance(documents, list) else [documents]:
            for name, value in _from_suspension(document.get("config") or {}).items():
                field = {"endpointConfig": {part: {"config": _ONE_SUSPENSION}}}
                if said.setdefault(name, value) != value:
                    raise serializers.ValidationError(field)
                if value == present[name]:
                    continue
                if given is not None and given.get(name, present[name]) not in (present[name], value):
                    raise serializers.ValidationError(field)
                options[name] = value
    return {} if given is None and options == present else {"endpoint_options": options}


_ONE_SUSPENSION = "All addresses of an API rest by the same rule: say it once, or the same everywhere."


def _from_suspension(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a valid `config` means."""
    first, longest, factor = (config.get(key) for key in ("suspendDuration", "suspendMaxDuration", "factor"))
    if config.get("suspendErrorCode") == [NEVER] or (first == 0 and longest == 0):
        return {"prevent_suspension": True}
    values = {
        "suspend_initial": None if first is None else first / 1000,
        "suspend_maximum": None if longest is None else longest / 1000,
        "suspend_factor": factor,
    }
    known = {name: value for name, value in values.items() if value is not None}
    return {**known, "prevent_suspension": False} if known else {}


def _suspension(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same the other way round; nothing where suspension is as it is by default."""
    chosen, usual = EndpointOptions.from_document(options), EndpointOptions()
    if chosen.prevent_suspension:
        return {"config": {"suspendErrorCode": [NEVER], "suspendDuration": 0, "suspendMaxDuration": 0}}
    three = [(each.suspend_initial, each.suspend_maximum, each.suspend_factor) for each in (chosen, usual)]
    if three[0] == three[1]:
        return {}
    first, longest, factor = three[0]
    numbers = {"suspendDuration": round(first * 1000), "suspendMaxDuration": round(longest * 1000), "factor": factor}
    return {"config": numbers}
