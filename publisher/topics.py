"""The topics of an API as a person may write them. Pure; `gateway.routing.topics` says what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from core.values import BadValue

MAXIMUM_TOPICS, TARGET_LENGTH, MAPPING_LENGTH = 200, 255, 1000
MAXIMUM_SCOPES, SCOPE_LENGTH = 20, 255
VERBS = ("subscribe", "publish")

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 §3.3
_SEGMENT = re.compile(r"[^{}*]*(\{[^{}*/]+\}[^{}*]*)?")
_NOT_IN_TARGETS = '?#\\"<>|^`'


def clean_topics(topics: Any) -> list[dict[str, Any]]:
    """The topics as they are stored, in their order; raises BadValue.

    Each is `{"target": "/rooms/{id}", "verbs": ["publish", "subscribe"], "mapping": "/…" or "", "scopes": […]}`.
    """
    if not isinstance(topics, list | tuple) or not all(isinstance(each, Mapping) for each in topics):
        raise BadValue('Topics are a list of objects such as {"target": "/rooms/{id}", "verbs": ["subscribe"]}.')
    if len(topics) > MAXIMUM_TOPICS:
        raise BadValue(f"An API has at most {MAXIMUM_TOPICS} topics; these are {len(topics)}.")
    cleaned = [_clean_topic(topic) for topic in topics]
    shapes = [re.sub(r"\{[^{}]*\}", "{}", topic["target"]) for topic in cleaned]
    if twice := next(
        (topic["target"] for topic, shape in zip(cleaned, shapes, strict=True) if shapes.count(shape) > 1), ""
    ):
        raise BadValue(
            f"{twice} stands among the topics twice. Give each path once, whatever its variables are called."
        )
    return cleaned


def _clean_topic(topic: Mapping[str, Any]) -> dict[str, Any]:
    target = _clean_target(topic.get("target"))
    verbs = topic.get("verbs") or VERBS
    if not set(verbs) <= set(VERBS):
        raise BadValue(f"A topic such as {target} is for {' or '.join(VERBS)}.")
    mapping, scopes = topic.get("mapping") or "", topic.get("scopes") or []
    if not isinstance(mapping, str) or len(mapping) > MAPPING_LENGTH or not mapping.isprintable() or "#" in mapping:
        raise BadValue(
            f"What {target} is mapped to must be a path on the backend of at most {MAPPING_LENGTH} characters, such as "
            "/v2/rooms/{id}."
        )
    if not isinstance(scopes, list | tuple) or len(scopes) > MAXIMUM_SCOPES:
        raise BadValue(f"The scopes of {target} are a list of at most {MAXIMUM_SCOPES} words.")
    for scope in scopes:
        if not isinstance(scope, str) or not _SCOPE.fullmatch(scope) or len(scope) > SCOPE_LENGTH:
            raise BadValue(f"{scope} is no scope. Use letters, digits and marks such as : . _ - without a space.")
    return {
        "target": target,
        "verbs": [verb for verb in VERBS if verb in verbs],
        "mapping": quote(mapping.strip(), safe="/?%:@!$&'()*+,;=-._~{}"),
        "scopes": list(dict.fromkeys(scopes)),
    }


def _clean_target(target: Any) -> str:
    if not isinstance(target, str) or not target.strip("/ "):
        raise BadValue("Give each topic a path below the API's version, such as /rooms/{id}, or /* for every path.")
    path = f"/{target.strip().removeprefix('/')}"
    if len(path) > TARGET_LENGTH:
        raise BadValue(f"A topic has at most {TARGET_LENGTH} characters; {path[:40]}… has {len(path)}.")
    if found := next(
        (each for each in path if each in _NOT_IN_TARGETS or each.isspace() or not each.isprintable()), ""
    ):
        raise BadValue(f"The topic {path} cannot contain {found!r}.")
    segments = path[1:].split("/")
    if {"", ".", ".."} & set(segments):
        raise BadValue(f"The topic {path} cannot contain an empty segment, . or ..")
    names = re.findall(r"\{([^{}]*)\}", path)
    fixed = segments[:-1] if segments[-1] == "*" else segments
    if len(set(names)) < len(names) or not all(_SEGMENT.fullmatch(segment) for segment in fixed):
        raise BadValue(
            f"The topic {path} cannot be read: a segment holds at most one variable such as {{id}}, each name stands "
            "once, and * is the whole last segment."
        )
    return path
