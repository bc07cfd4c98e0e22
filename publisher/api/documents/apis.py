"""An API as REST shows and takes it, WSO2's names on our rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.rest.documents import Constant, Moment, Neutral, Strict
from publisher import runtime, scoping
from publisher.api.documents.endpoints import EndpointConfig, ImplementationType, MockDocument, endpoint_parts
from publisher.api.documents.fields import UpperChoice, within
from publisher.api.documents.presentation import (
    AUDIENCE,
    BusinessInformation,
    Links,
    Names,
    Property,
    presented_parts,
)
from publisher.api.documents.runtime import CorsConfiguration, EnforcesSchemas, KeyManagers, MaxTps, runtime_parts
from publisher.api.documents.topics import OperationsField, topics_with_texts
from publisher.api.scopes import NamedScope
from publisher.models import Api
from publisher.plan_terms import OVER_RATE, QuotaPeriod
from publisher.presentation import AccessControl, Visibility
from publisher.runtime import EVERY_KEY_MANAGER, KEY_MANAGERS, KEY_TYPES, LARGEST, OVER_BYTES, ValidationMode

TOKENS_ONLY = "Callers show an OAuth token in the Authorization header: there are no keys, passwords or certificates."
NO_CACHE = "Answers of a WebSocket are not cached."


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
    categories = Names(required=False)
    businessInformation = BusinessInformation(required=False, allow_null=True)
    links = Links(required=False, allow_null=True)
    additionalProperties = Property(source="properties", many=True, required=False)
    policies = Names(source="plans", required=False)
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
    enableSchemaValidation = EnforcesSchemas(
        source="enforces", required=False, help_text="Whether payloadValidation is ENFORCE."
    )
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
        "asyncTransportProtocols": Neutral(within("ws", "wss"), "A WebSocket API is reached by ws and wss."),
        "audiences": Neutral(within("all"), "A token is for all APIs of its application: leave it out or send all."),
        "cacheTimeout": Neutral(lambda value: isinstance(value, int), NO_CACHE),
        "gatewayType": Neutral.one_of("wso2/synapse", "Regular", why="There is one gateway, of the type wso2/synapse."),
        "monetization": Neutral.off("enabled", "Calls are not billed here."),
        "scopes": Neutral(
            lambda value: False, "Scopes are kept at /apis/{apiId}/scopes; send back here what was read."
        ),
        "responseCachingEnabled": Neutral.one_of(False, why=NO_CACHE),
        "securityScheme": Neutral(
            lambda value: within("oauth2", "oauth_basic_auth_api_key_mandatory")(value) and "oauth2" in value,
            TOKENS_ONLY,
        ),
        "transport": Neutral(within("ws", "wss", "http", "https"), "A WebSocket API is reached by ws and wss."),
        "websubSubscriptionConfiguration": Neutral.off("enable", "A WebSocket API has no WebSub subscriptions."),
    }

    @extend_schema_field(NamedScope(many=True))
    def get_scopes(self, api: Api) -> list[dict[str, Any]]:
        """Its own scopes, and the shared ones that its topics name; not those that nobody has described."""
        return [dict(NamedScope(use).data) for use in scoping.uses_of(api) if use.definition]


OWN_FIELDS = ("tags", "is_default_version", "query_token", "first_plan", "properties", *runtime.WORDS, *AUDIENCE)


def parts_of(given: Mapping[str, Any], present: Api | None = None) -> dict[str, Any]:
    """The parts of the design (`publisher.design.PARTS`, without the names) that a valid body holds.

    `present` is the API that is to be changed. Raises ValidationError where the body contradicts itself.
    """
    return {
        **{part: given[part] for part in OWN_FIELDS if part in given},
        **presented_parts(given),
        **runtime_parts(given, present),
        **({"topics": topics_with_texts(given["operations"], present)} if "operations" in given else {}),
        **endpoint_parts(given, present),
    }
