"""Topics and AsyncAPI definitions, by WSO2's paths and fields; one module, for all answer with the same parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.rest import Resource
from core.rest.documents import Neutral, Strict, answers
from core.rest.etags import IF_MATCH, check_unchanged
from core.rest.requests import choose, one_page, query_flag
from core.values import BadValue
from publisher import definitions, fetching, operations, permissions, queries
from publisher.api.access import IN_THE_PUBLISHER
from publisher.api.apis import FIELD_NAMES, etag, shown
from publisher.api.documents import ApiDocument, parts_of
from publisher.asyncapi.definition import VERSIONS, AsyncApiDefinition
from publisher.asyncapi.reading import read
from publisher.asyncapi.source import SOURCE_BYTES
from publisher.asyncapi.writing import write
from publisher.topics import VERBS, find

MODES = {"PUBLISH": ["publish"], "SUBSCRIBE": ["subscribe"], "BOTH": [*VERBS]}
INVALID_DEFINITION = 900754


class TopicMessage(Strict):
    """One message of a topic."""

    name = serializers.CharField()
    summary = serializers.CharField(required=False, allow_blank=True)
    schema = serializers.JSONField(required=False, help_text="JSON Schema 2020-12, or draft 7 by its $schema.")
    examples = serializers.ListField(child=serializers.JSONField(), required=False)


class TopicMessages(Strict):
    """The messages by direction."""

    publish = TopicMessage(many=True, required=False)
    subscribe = TopicMessage(many=True, required=False)


class TopicDocument(Strict):
    """A topic. What is left out of one that is there already stays as it is."""

    id = serializers.CharField(read_only=True)
    name = serializers.CharField(help_text="The path below the version: /rooms/{id}, or /* for all.")
    mode = serializers.ChoiceField(list(MODES), required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    parameters = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)
    uriMapping = serializers.CharField(required=False, allow_blank=True)
    scopes = serializers.ListField(child=serializers.CharField(), required=False)
    messages = TopicMessages(required=False)

    ignored: ClassVar[frozenset[str]] = frozenset({"id"})


class TopicList(Strict):
    """All topics of an API, in their order."""

    count = serializers.IntegerField(read_only=True)
    list = TopicDocument(many=True)

    neutral: ClassVar[Mapping[str, Neutral]] = {
        "count": Neutral(lambda value: True, "It is counted."),
        "pagination": Neutral(lambda value: True, "All topics are sent at once."),
    }


class SourceDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A definition: a file, an address, or its text."""

    file = serializers.FileField(required=False)
    url = serializers.CharField(required=False, help_text="http:// or https://, under the address rules of backends.")
    apiDefinition = serializers.CharField(required=False, trim_whitespace=False)


class ImportDocument(SourceDocument):
    """A definition, and what it does not say of the API that is made."""

    additionalProperties = serializers.CharField(help_text="An API as JSON: name, context, version, endpointConfig, …")


class DefinitionError(serializers.Serializer):  # type: ignore[type-arg]
    """What is wrong with a definition."""

    code = serializers.CharField()
    message = serializers.CharField()
    description = serializers.CharField(help_text="The sentence, with its line.")


class DefinitionInfo(serializers.Serializer):  # type: ignore[type-arg]
    """What a definition is about."""

    name = serializers.CharField()
    version = serializers.CharField()
    context = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    description = serializers.CharField()
    asyncAPIVersion = serializers.CharField()
    protocol = serializers.CharField()
    endpoints = serializers.ListField(child=serializers.CharField())
    gatewayVendor = serializers.CharField()
    asyncTransportProtocols = serializers.ListField(child=serializers.CharField())


class ValidationAnswer(serializers.Serializer):  # type: ignore[type-arg]
    """Whether a definition can be taken over."""

    isValid = serializers.BooleanField()
    content = serializers.CharField(required=False)
    info = DefinitionInfo(required=False)
    errors = DefinitionError(many=True)  # type: ignore[assignment]


class Topics(Resource):
    """The topics of an API, whole."""

    field_names: ClassVar[Mapping[str, str]] = {"topics": "list"}

    @extend_schema(
        operation_id="getTopics",
        summary="Read the topics of an API",
        tags=["APIs"],
        responses=answers({200: TopicList}, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """In their order; an empty list where every path is open."""
        api = queries.get_api_for(self.user, api_id)
        page = one_page(request, [_topic(each) for each in api.topics], lambda each: each)
        return Response(page, headers={"ETag": etag(api)})

    @extend_schema(
        operation_id="updateTopics",
        summary="Change the topics of an API",
        tags=["APIs"],
        parameters=[IF_MATCH],
        request=TopicList,
        responses=answers({200: ApiDocument}, 400, 403, 404, 412),
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        """These topics take the place of those there are. They act when a revision is deployed."""
        api = queries.get_api_for(self.user, api_id)
        check_unchanged(request, etag(api))
        body = TopicList(data=request.data)
        body.is_valid(raise_exception=True)
        topics, names = [], {"uriMapping": "mapping"}
        for given in body.validated_data["list"]:
            target = f"/{given['name'].lstrip('/')}"
            said = {names.get(key, key): value for key, value in given.items() if key not in {"name", "mode"}}
            verbs = {"verbs": MODES[given["mode"]]} if "mode" in given else {}
            topics.append({**(find(api.topics, target) or {}), **said, **verbs, "target": target})
        return shown(operations.update_api(api=api, changes={"topics": topics}, **self.by))


class AsyncApi(Resource):
    """The AsyncAPI definition of an API."""

    parser_classes = (MultiPartParser, FormParser, JSONParser)

    @extend_schema(
        operation_id="getAsyncApi",
        summary="Read the AsyncAPI definition of an API",
        tags=["APIs"],
        parameters=[OpenApiParameter("version", str, enum=[*VERSIONS], description="3.0 by default.")],
        responses=answers({200: OpenApiResponse(OpenApiTypes.OBJECT, "The document.")}, 400, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """Written from the design as it is now."""
        api = queries.get_api_for(self.user, api_id)
        version = choose(request, "version", {each: each for each in VERSIONS}, definitions.LATEST)
        return Response(write(definitions.of_design(api), version), headers={"ETag": etag(api)})

    @extend_schema(
        operation_id="updateAsyncApi",
        summary="Change an API by its AsyncAPI definition",
        tags=["APIs"],
        parameters=[
            IF_MATCH,
            OpenApiParameter("keepTopics", bool, description="Keep topics that the definition does not name."),
        ],
        request={"multipart/form-data": SourceDocument},
        responses=answers({200: OpenApiResponse(OpenApiTypes.OBJECT, "The document.")}, 400, 403, 404, 409, 412),
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        """Topics, description and tags become what it says; name, version and endpoints stay."""
        api = queries.get_api_for(self.user, api_id)
        check_unchanged(request, etag(api))
        permissions.require_edit(self.user, api)
        keep = query_flag(request, "keepTopics")
        changes = _valid(_text_of(request, self.user)).parts(api.topics, keep=keep)
        saved = operations.update_api(api=api, changes=changes, **self.by)
        return Response(write(definitions.of_design(saved), definitions.LATEST), headers={"ETag": etag(saved)})


class Import(Resource):
    """A new API from a definition."""

    permission_classes = IN_THE_PUBLISHER
    parser_classes = (MultiPartParser, FormParser, JSONParser)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="importAsyncApi",
        summary="Create an API from an AsyncAPI definition",
        tags=["APIs"],
        request={"multipart/form-data": ImportDocument},
        responses=answers({201: ApiDocument}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """What `additionalProperties` says goes over what the definition says."""
        permissions.require_create(self.user)
        found = _valid(_text_of(request, self.user))
        sent = ImportDocument(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            properties = json.loads(sent.validated_data["additionalProperties"])
        except (ValueError, TypeError, RecursionError):
            properties = None
        if not isinstance(properties, dict):
            raise exceptions.ValidationError({"additionalProperties": "This is an API as a JSON object."})
        given = {"name": found.title, "version": found.api_version, **properties}
        holds = {"provider": self.user.username, "lifeCycleStatus": "CREATED", "displayName": given["name"]}
        body = ApiDocument(data=given, context={"holds": holds})
        body.is_valid(raise_exception=True)
        valid = body.validated_data
        parts: dict[str, Any] = {**found.parts(), **parts_of(valid)}
        if "endpointConfig" not in valid and found.backends:
            parts["endpoint"] = found.backends[0]
        names = {name: valid[name] for name in ("name", "context", "version")}
        plans = queries.plans_named(valid.get("policies", ()))
        return shown(operations.create_api(**names, **parts, plans=plans, **self.by), 201)


class Validate(Resource):
    """Whether a definition can be taken over."""

    permission_classes = IN_THE_PUBLISHER
    parser_classes = (MultiPartParser, FormParser, JSONParser)

    @extend_schema(
        operation_id="validateAsyncApi",
        summary="Validate an AsyncAPI definition",
        tags=["Validation"],
        parameters=[OpenApiParameter("returnContent", bool, description="Send the text back.")],
        request={"multipart/form-data": SourceDocument},
        responses=answers({200: ValidationAnswer}, 400, 403),
    )
    def post(self, request: Request) -> Response:
        """What it is about, or what is wrong with it, each with its line."""
        permissions.require_create(self.user)
        with_content = query_flag(request, "returnContent")
        text = _text_of(request, self.user)
        found = read(text)
        answer: dict[str, Any] = {
            "isValid": not found.problems,
            "errors": [
                {"code": str(INVALID_DEFINITION), "message": problem.sentence, "description": str(problem)}
                for problem in found.problems
            ],
        }
        if not found.problems:
            answer["info"] = {
                "name": found.title,
                "version": found.api_version,
                "context": None,
                "description": found.description,
                "asyncAPIVersion": VERSIONS[found.version],
                "protocol": "WS",
                "endpoints": found.backends,
                "gatewayVendor": "wso2",
                "asyncTransportProtocols": ["ws", "wss"],
            }
        return Response({**answer, **({"content": text} if with_content else {})})


def _text_of(request: Request, user: User) -> str:
    """The text that a request brings as a file, at an address or as it is. Raises ValidationError."""
    body = SourceDocument(data=request.data)
    body.is_valid(raise_exception=True)
    given = body.validated_data
    if len(given.keys() & {"file", "url", "apiDefinition"}) != 1:
        raise exceptions.ValidationError({"file": "Send one of file, url and apiDefinition."})
    if "file" in given:
        if given["file"].size > SOURCE_BYTES:
            raise exceptions.ValidationError({"file": f"A definition has at most {SOURCE_BYTES // 1024} KiB."})
        return str(given["file"].read().decode("utf-8-sig", "replace"))
    if "url" in given:
        try:
            return fetching.fetch(given["url"], user=user)
        except BadValue as error:
            raise exceptions.ValidationError({"url": str(error)}) from None
    return str(given["apiDefinition"])


def _valid(text: str) -> AsyncApiDefinition:
    """What the text says. Raises ValidationError with each problem and its line."""
    found = read(text)
    if found.problems:
        raise exceptions.ValidationError({"apiDefinition": [str(problem) for problem in found.problems]})
    return found


def _topic(topic: Mapping[str, Any]) -> dict[str, Any]:
    mode = next(name for name, verbs in MODES.items() if set(verbs) == set(topic["verbs"]))
    return {
        "id": topic["target"],
        "name": topic["target"],
        "mode": mode,
        "description": topic.get("description", ""),
        "parameters": topic.get("parameters", {}),
        "uriMapping": topic["mapping"],
        "scopes": topic["scopes"],
        "messages": topic.get("messages", {}),
    }
