"""An API as REST shows and takes it, WSO2's names on our rows; one module, for both ways share every field."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.rest.documents import Constant, Moment, Neutral, Strict
from core.values import BadValue
from publisher import mock, runtime, scoping
from publisher.api.scopes import NamedScope
from publisher.endpoint import EndpointOptions
from publisher.models import Api
from publisher.plan_terms import OVER_RATE, QuotaPeriod
from publisher.presentation import AccessControl, Visibility
from publisher.runtime import EVERY_KEY_MANAGER, KEY_MANAGERS, KEY_TYPES, LARGEST, OVER_BYTES, ValidationMode
from publisher.secret_options import hidden
from publisher.topics import TEXTS

EVERY_ORIGIN = ["*"]
EVERY_TOPIC: dict[str, Any] = {"target": "/*", "verbs": ["subscribe", "publish"], "mapping": "", "scopes": []}
_EVERY_SORTED = {**EVERY_TOPIC, "verbs": sorted(EVERY_TOPIC["verbs"])}
AUTH_TYPES = ("Any", "Application & Application User")
TOKENS_ONLY = "Callers show an OAuth token in the Authorization header: there are no keys, passwords or certificates."
NEVER = "-1"
ERROR_CODES = (
    *("101000", "101001", "101500", "101501", "101503", "101504"),
    *("101505", "101506", "101507", "101508", "101509", "101510"),
)
OWNERS = {
    "businessOwner": "business_owner",
    "businessOwnerEmail": "business_owner_email",
    "technicalOwner": "technical_owner",
    "technicalOwnerEmail": "technical_owner_email",
}
LINKS = {"source": "source_link", "chat": "chat_link", "support": "support_link"}
AUDIENCE = ("visibility", "visible_roles", "access_control", "access_control_roles")
NO_CACHE = "Answers of a WebSocket are not cached."


def _within(*words: str) -> Callable[[Any], bool]:
    """Says whether a list holds nothing but these words."""
    return lambda value: isinstance(value, list) and all(each in words for each in value)


def _is_zero(value: Any) -> bool:
    return str(value).strip() in {"0", "0.0"}


class OfTheWholeApi:
    """A field or document that is written from several columns of the row: its `to_representation` gets the row."""

    def get_attribute(self, instance: Api) -> Api:
        return instance


class Number(serializers.FloatField):
    """A number, also as text; an empty text is none."""

    def to_internal_value(self, data: Any) -> Any:
        """The number. Raises ValidationError for what is none, or for infinity."""
        if data == "":
            return None
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


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


class PlanNames(serializers.ListField):
    """The business plans of an API by name."""

    child = serializers.CharField()

    def get_attribute(self, instance: Api) -> list[str]:
        """The names in alphabetical order."""
        return sorted(plan.name for plan in instance.plans.all())


class BusinessInformation(OfTheWholeApi, Strict):
    """Who answers for an API."""

    businessOwner = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    businessOwnerEmail = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    technicalOwner = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    technicalOwnerEmail = serializers.CharField(required=False, allow_blank=True, allow_null=True)

    def to_representation(self, instance: Api) -> Any:
        """The four texts."""
        return {name: getattr(instance, part) for name, part in OWNERS.items()}


class Links(OfTheWholeApi, Strict):
    """Where people find an API's source, talk about it, and are helped."""

    source = serializers.CharField(required=False, allow_blank=True, allow_null=True)  # type: ignore[assignment]
    chat = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    support = serializers.CharField(required=False, allow_blank=True, allow_null=True)

    def to_representation(self, instance: Api) -> Any:
        """The three addresses."""
        return {name: getattr(instance, part) for name, part in LINKS.items()}


class Property(Strict):
    """One property of an API, and whether the Developer Portal shows it."""

    name = serializers.CharField()
    value = serializers.CharField(allow_blank=True)
    display = serializers.BooleanField(source="shown", default=False)


class CategoryNames(serializers.ListField):
    """The categories of an API by name."""

    child = serializers.CharField()

    def get_attribute(self, instance: Api) -> list[str]:
        """The names in alphabetical order."""
        return sorted(category.name for category in instance.categories.all())


class Operation(Strict):
    """One direction of one topic."""

    target = serializers.CharField(help_text="A path below the version: /rooms/{id}, or /* for all.")
    verb = serializers.ChoiceField(["SUBSCRIBE", "PUBLISH"])
    uriMapping = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField(), required=False)

    ignored: ClassVar[frozenset[str]] = frozenset({"id"})
    neutral: ClassVar[Mapping[str, Neutral]] = {
        "authType": Neutral.one_of(*AUTH_TYPES, why="Every topic asks for a token: send Any."),
        "throttlingPolicy": Neutral.one_of(
            "Unlimited", why="Topics have no plan of their own, only APIs and applications have: send Unlimited."
        ),
    }


class UpperChoice(serializers.ChoiceField):
    """A word of ours, in capitals as WSO2 writes its own."""

    def __init__(self, choices: list[str], **options: Any) -> None:
        super().__init__([word.upper() for word in choices], **options)

    def to_representation(self, value: Any) -> str:
        """In capitals."""
        return str(value).upper()

    def to_internal_value(self, data: Any) -> str:
        """In small letters. Raises ValidationError."""
        return str(super().to_internal_value(data)).lower()


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

    def __init__(self, **options: Any) -> None:
        super().__init__(source="enforces", **options)

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


@extend_schema_field(Operation(many=True))
class OperationsField(OfTheWholeApi, serializers.Field):  # type: ignore[type-arg]
    """The topics of an API as WSO2 lists them: one entry for each direction."""

    def to_representation(self, value: Api) -> list[dict[str, Any]]:
        """The declared topics, or every topic where none is declared."""
        return [
            {
                **{"target": topic["target"], "verb": verb.upper(), "uriMapping": topic["mapping"]},
                **{"scopes": topic["scopes"], "authType": AUTH_TYPES[0], "throttlingPolicy": "Unlimited"},
            }
            for topic in value.topics or [EVERY_TOPIC]
            for verb in topic["verbs"]
        ]

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        """The entries as topics; none where they stand for every topic. Raises ValidationError."""
        entries = Operation(data=data, many=True)
        entries.is_valid(raise_exception=True)
        topics: dict[str, dict[str, Any]] = {}
        for entry in entries.validated_data:
            rest = {"mapping": entry.get("uriMapping") or "", "scopes": entry.get("scopes") or []}
            target, verb = entry["target"], entry["verb"]
            topic = topics.setdefault(target, {"target": target, "verbs": [], **rest})
            if verb.lower() in topic["verbs"]:
                raise serializers.ValidationError(f"{target} stands here twice with {verb}.")
            if any(topic[key] != value for key, value in rest.items()):
                raise serializers.ValidationError(
                    f"Both directions of {target} share uriMapping and scopes: send the same for SUBSCRIBE and PUBLISH."
                )
            topic["verbs"].append(verb.lower())
        listed = list(topics.values())
        return [] if [{**topic, "verbs": sorted(topic["verbs"])} for topic in listed] == [_EVERY_SORTED] else listed


class ApiInfo(serializers.Serializer):  # type: ignore[type-arg]
    """An API in a list."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    displayName = serializers.CharField(source="title", read_only=True)
    description = serializers.CharField(read_only=True)
    context = serializers.CharField(read_only=True)  # type: ignore[assignment]
    version = serializers.CharField(read_only=True)
    provider = serializers.CharField(source="provider.username", read_only=True)
    type = Constant("WS")
    lifeCycleStatus = serializers.CharField(source="state", read_only=True)
    workflowStatus = Constant("APPROVED")
    hasThumbnail = serializers.BooleanField(source="thumbnail", read_only=True)
    createdTime = Moment(source="created_at")
    updatedTime = Moment(source="updated_at")


class ApiDocument(Strict):
    """An API. What is left out on PUT stays as it is."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField()
    displayName = serializers.CharField(source="title", required=False, help_text="The name where none is given.")
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    context = serializers.CharField()  # type: ignore[assignment]
    version = serializers.CharField()
    provider = serializers.CharField(source="provider.username", read_only=True)
    lifeCycleStatus = serializers.CharField(source="state", read_only=True)
    type = Constant("WS")
    isDefaultVersion = serializers.BooleanField(source="is_default_version", required=False)
    isRevision = Constant(False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    categories = CategoryNames(required=False)
    businessInformation = BusinessInformation(required=False, allow_null=True)
    links = Links(required=False, allow_null=True)
    additionalProperties = Property(source="properties", many=True, required=False)
    policies = PlanNames(required=False)
    firstPolicy = serializers.CharField(
        source="first_plan",
        required=False,
        allow_blank=True,
        max_length=60,
        help_text="The policy of who chooses none.",
    )
    endpointConfig = EndpointConfig(required=False, allow_null=True)
    endpointImplementationType = ImplementationType(["ENDPOINT", "INLINE"], required=False)
    mock = MockDocument(required=False, allow_null=True)
    operations = OperationsField(required=False)
    scopes = serializers.SerializerMethodField()
    corsConfiguration = CorsConfiguration(required=False, allow_null=True)
    queryToken = serializers.BooleanField(
        source="query_token", required=False, help_text="Whether a token may come in the address."
    )
    keyTypes = serializers.ListField(
        child=serializers.ChoiceField(list(KEY_TYPES)),
        source="key_types",
        required=False,
        help_text="Keys that may call.",
    )
    keyManagers = KeyManagers(
        source="key_managers",
        required=False,
        allow_null=True,
        help_text=f"Whose tokens are taken: {EVERY_KEY_MANAGER}, or some of {', '.join(KEY_MANAGERS)}, each true.",
    )
    enableSchemaValidation = EnforcesSchemas(required=False, help_text="Whether payloadValidation is ENFORCE.")
    payloadValidation = UpperChoice(
        [*ValidationMode],
        source="payload_validation",
        required=False,
        help_text="What is done with a message that fits no schema of its topic.",
    )
    maxTps = MaxTps(required=False, allow_null=True)
    rateExceeded = serializers.ChoiceField(
        [*OVER_RATE], source="over_rate", required=False, help_text="What happens to messages over maxTps."
    )
    byteQuota = serializers.IntegerField(
        source="byte_quota",
        required=False,
        min_value=0,
        max_value=LARGEST,
        help_text="Bytes of all applications in a period, of each type of keys; 0: no limit.",
    )
    byteQuotaTimeUnit = serializers.ChoiceField([*QuotaPeriod], source="byte_period", required=False)
    byteQuotaExceeded = serializers.ChoiceField([*OVER_BYTES], source="over_byte_quota", required=False)
    redactedFields = serializers.ListField(
        child=serializers.CharField(max_length=runtime.LONGEST_POINTER),
        source="redacted",
        required=False,
        max_length=runtime.MOST_POINTERS,
        help_text="JSON pointers to fields of payloads that are never recorded; `*` is every member or element.",
    )
    frameBytes = serializers.IntegerField(
        source="frame_bytes",
        required=False,
        min_value=0,
        max_value=LARGEST,
        help_text="The largest frame of a client; 0: as large as a message.",
    )
    messageBytes = serializers.IntegerField(
        source="message_bytes",
        required=False,
        min_value=0,
        max_value=LARGEST,
        help_text="The largest message of a client; 0: as its plan says.",
    )
    transport = Constant(["ws", "wss"])
    securityScheme = Constant(["oauth2"])
    authorizationHeader = Constant("Authorization")
    apiKeyHeader = Constant("ApiKey")
    apiThrottlingPolicy = Constant("Unlimited")
    audience = Constant("PUBLIC")
    visibility = serializers.ChoiceField([*Visibility], required=False)
    visibleRoles = serializers.ListField(child=serializers.CharField(), source="visible_roles", required=False)
    accessControl = serializers.ChoiceField([*AccessControl], source="access_control", required=False)
    accessControlRoles = serializers.ListField(
        child=serializers.CharField(), source="access_control_roles", required=False
    )
    subscriptionAvailability = Constant("CURRENT_TENANT")
    workflowStatus = Constant("APPROVED")
    hasThumbnail = serializers.BooleanField(source="thumbnail", read_only=True)
    gatewayType = Constant("wso2/synapse")
    gatewayVendor = Constant("wso2")
    createdTime = Moment(source="created_at")
    lastUpdatedTime = Moment(source="updated_at")

    ignored: ClassVar[frozenset[str]] = frozenset({"lastUpdatedTime", "lastUpdatedTimestamp"})
    neutral: ClassVar[Mapping[str, Neutral]] = {
        "advertiseInfo": Neutral.off("advertised", "An API is served by this gateway; it cannot only be advertised."),
        "apiKeyHeader": Neutral(lambda value: str(value).lower() == "apikey", TOKENS_ONLY),
        "apiThrottlingPolicy": Neutral.one_of("Unlimited", why="An API as a whole has no plan: send Unlimited."),
        "asyncTransportProtocols": Neutral(_within("ws", "wss"), "A WebSocket API is reached by ws and wss."),
        "audiences": Neutral(_within("all"), "A token is for all APIs of its application: leave it out or send all."),
        "cacheTimeout": Neutral(lambda value: isinstance(value, int), NO_CACHE),
        "gatewayType": Neutral.one_of("wso2/synapse", "Regular", why="There is one gateway, of the type wso2/synapse."),
        "monetization": Neutral.off("enabled", "Calls are not billed here."),
        "scopes": Neutral(
            lambda value: False, "Scopes are kept at /apis/{apiId}/scopes; send back here what was read."
        ),
        "responseCachingEnabled": Neutral.one_of(False, why=NO_CACHE),
        "securityScheme": Neutral(
            lambda value: _within("oauth2", "oauth_basic_auth_api_key_mandatory")(value) and "oauth2" in value,
            TOKENS_ONLY,
        ),
        "transport": Neutral(_within("ws", "wss", "http", "https"), "A WebSocket API is reached by ws and wss."),
        "websubSubscriptionConfiguration": Neutral.off("enable", "A WebSocket API has no WebSub subscriptions."),
    }

    @extend_schema_field(NamedScope(many=True))
    def get_scopes(self, api: Api) -> list[dict[str, Any]]:
        """Its own scopes, and the shared ones that its topics name; not those that nobody has described."""
        return [dict(NamedScope(use).data) for use in scoping.uses_of(api) if use.definition]


OWN_FIELDS = ("tags", "is_default_version", "query_token", "first_plan", *runtime.WORDS)


def parts_of(given: Mapping[str, Any], present: Api | None = None) -> dict[str, Any]:
    """The parts of the design (`publisher.design.PARTS`, without the names) that a valid body holds.

    `present` is the API that is to be changed. Raises ValidationError where the body contradicts itself.
    """
    parts: dict[str, Any] = {part: given[part] for part in (*OWN_FIELDS, "properties", *AUDIENCE) if part in given}
    if "maxTps" in given:
        parts["message_rate"] = (given["maxTps"] or {}).get("production", 0)
    if given.get("key_managers", ()) is None:
        parts["key_managers"] = runtime.all_key_managers()
    mode = present.payload_validation if present else ValidationMode.OFF
    is_enforced = mode == ValidationMode.ENFORCE
    if given.get("payload_validation", mode) == mode and given.get("enforces", is_enforced) != is_enforced:
        parts["payload_validation"] = ValidationMode.ENFORCE if given["enforces"] else ValidationMode.OFF
    if "title" in given:
        parts["display_name"] = "" if given["title"] == given["name"] else given["title"]
    for document, names in (("businessInformation", OWNERS), ("links", LINKS)):
        if document in given:
            said = given[document] or {}
            parts |= {part: said.get(name) or "" for name, part in names.items() if name in said or not said}
    if "description" in given:
        parts["description"] = given["description"] or ""
    if "corsConfiguration" in given:
        cors = given["corsConfiguration"] or {}
        listed = cors.get("accessControlAllowOrigins", [])
        parts["origins"] = listed if cors.get("corsConfigurationEnabled") and listed != EVERY_ORIGIN else []
    if "operations" in given:
        # What WSO2's operations have no field for stays with its topic.
        texts = {topic["target"]: topic for topic in present.topics} if present else {}
        parts["topics"] = [
            {**{key: texts[each["target"]][key] for key in TEXTS & texts[each["target"]].keys()}, **each}
            if each["target"] in texts
            else each
            for each in given["operations"]
        ]
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
