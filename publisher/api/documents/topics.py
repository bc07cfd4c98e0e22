"""Topics as WSO2 lists them: one operation for each direction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.rest.documents import Neutral, Strict
from publisher.api.documents.fields import OfTheWholeApi
from publisher.models import Api
from publisher.topics import TEXTS

EVERY_TOPIC: dict[str, Any] = {"target": "/*", "verbs": ["subscribe", "publish"], "mapping": "", "scopes": []}
_EVERY_SORTED = {**EVERY_TOPIC, "verbs": sorted(EVERY_TOPIC["verbs"])}
AUTH_TYPES = ("Any", "Application & Application User")


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


def topics_with_texts(operations: list[dict[str, Any]], present: Api | None) -> list[dict[str, Any]]:
    """These topics, each with what WSO2's operations have no field for, as it stands at the API."""
    texts = {topic["target"]: topic for topic in present.topics} if present else {}
    return [
        {**{key: value for key, value in texts.get(each["target"], {}).items() if key in TEXTS}, **each}
        for each in operations
    ]
