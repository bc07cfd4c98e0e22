"""The topics of an API as a person may write them. Pure; `gateway.routing.topics` says what they mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from core.values import BadValue
from publisher.payloads import clean_examples, clean_schema

MAXIMUM_TOPICS, TARGET_LENGTH, MAPPING_LENGTH = 200, 255, 1000
MAXIMUM_SCOPES, SCOPE_LENGTH = 20, 255
MAXIMUM_MESSAGES, NAME_LENGTH, SUMMARY_LENGTH, DESCRIPTION_LENGTH = 20, 100, 500, 4000
DOCUMENT_BYTES = 1_048_576
VERBS = ("subscribe", "publish")
TEXTS = frozenset({"description", "parameters", "messages"})
"""What of a topic only people read: the gateway serves it without."""

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 §3.3
_SEGMENT = re.compile(r"[^{}*]*(\{[^{}*/]+\}[^{}*]*)?")
_NAME = re.compile(r"[\w.-]+")
_VARIABLE = re.compile(r"\{([^{}]*)\}")
_NOT_IN_TARGETS = '?#\\"<>|^`'


def clean_topics(topics: Any) -> list[dict[str, Any]]:
    """The topics as they are stored, in their order; raises BadValue.

    Each is `{"target": "/rooms/{id}", "verbs": ["publish", "subscribe"], "mapping": "/…" or "", "scopes": […]}`, and
    where there is something to say `"description": "…"`, `"parameters": {"id": "which room"}` and
    `"messages": {"publish": [{"name": "say", "summary": "…", "schema": {…}, "examples": […]}]}`, by direction.
    """
    if not isinstance(topics, list | tuple) or not all(isinstance(each, Mapping) for each in topics):
        raise BadValue('Topics are a list of objects such as {"target": "/rooms/{id}", "verbs": ["subscribe"]}.')
    if len(topics) > MAXIMUM_TOPICS:
        raise BadValue(f"An API has at most {MAXIMUM_TOPICS} topics; these are {len(topics)}.")
    cleaned = [_clean_topic(topic) for topic in topics]
    shapes = [_VARIABLE.sub("{}", topic["target"]) for topic in cleaned]
    if twice := next(
        (topic["target"] for topic, shape in zip(cleaned, shapes, strict=True) if shapes.count(shape) > 1), ""
    ):
        raise BadValue(
            f"{twice} stands among the topics twice. Give each path once, whatever its variables are called."
        )
    if (size := len(json.dumps(cleaned, ensure_ascii=False).encode(errors="replace"))) > DOCUMENT_BYTES:
        raise BadValue(f"All topics together have at most 1 MiB with their schemas; these have {size / 2**20:.1f}.")
    return cleaned


def variables_of(target: str) -> list[str]:
    """The names of the variables in a target, in their order."""
    return _VARIABLE.findall(target)


def clean_message(message: Any, where: str = "") -> dict[str, Any]:
    """One message as it is stored; what there is nothing to say about is left out. Raises BadValue."""
    if not isinstance(message, Mapping):
        raise BadValue('A message is an object such as {"name": "say", "schema": {"type": "object"}}.')
    name = message.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > NAME_LENGTH:
        raise BadValue(
            f"Give each message {where} a name of at most {NAME_LENGTH} letters, digits and . _ -, without a space."
        )
    summary = clean_text(message.get("summary") or "", SUMMARY_LENGTH, f"The summary of {name}")
    try:
        schema = None if message.get("schema") is None else clean_schema(message["schema"])
        examples = clean_examples(message.get("examples") or [])
    except BadValue as error:
        raise BadValue(f"{name} {where}: {error}".replace(" :", ":")) from None
    held = {"summary": summary, "schema": schema, "examples": examples}
    return {"name": name, **{key: value for key, value in held.items() if value not in ("", None, [])}}


def clean_text(text: Any, most: int, what: str) -> str:
    """A text for people, without outer blanks; raises BadValue."""
    if not isinstance(text, str) or len(text) > most or "\0" in text:
        raise BadValue(f"{what} is a text of at most {most} characters.")
    return text.strip().replace("\r\n", "\n")


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
        **_clean_texts(target, topic),
    }


def _clean_texts(target: str, topic: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a topic to people: only what holds something."""
    parameters, messages = topic.get("parameters") or {}, topic.get("messages") or {}
    if not isinstance(parameters, Mapping) or not parameters.keys() <= {*variables_of(target)}:
        raise BadValue(f"The parameters of {target} say what its variables stand for, by their names.")
    said = {
        name: clean_text(parameters.get(name) or "", SUMMARY_LENGTH, f"What {name} stands for")
        for name in variables_of(target)
    }
    if not isinstance(messages, Mapping) or not messages.keys() <= set(VERBS):
        raise BadValue(f"The messages of {target} are lists by direction: {' and '.join(VERBS)}.")
    texts = {
        "description": clean_text(topic.get("description") or "", DESCRIPTION_LENGTH, f"The description of {target}"),
        "parameters": {name: text for name, text in said.items() if text},
        "messages": {verb: _clean_messages(messages[verb], f"of {target}") for verb in VERBS if messages.get(verb)},
    }
    return {key: value for key, value in texts.items() if value}


def _clean_messages(messages: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(messages, list | tuple) or len(messages) > MAXIMUM_MESSAGES:
        raise BadValue(f"The messages {where} in one direction are a list of at most {MAXIMUM_MESSAGES}.")
    cleaned = [clean_message(message, where) for message in messages]
    names = [message["name"] for message in cleaned]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise BadValue(f"{twice} {where} stands there twice. Give each message a name of its own.")
    return cleaned


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
    names = variables_of(path)
    fixed = segments[:-1] if segments[-1] == "*" else segments
    if len(set(names)) < len(names) or not all(_SEGMENT.fullmatch(segment) for segment in fixed):
        raise BadValue(
            f"The topic {path} cannot be read: a segment holds at most one variable such as {{id}}, each name stands "
            "once, and * is the whole last segment."
        )
    return path


def find(topics: Iterable[Mapping[str, Any]], target: str) -> Mapping[str, Any] | None:
    """The topic of this path among stored ones."""
    return next((topic for topic in topics if topic["target"] == target), None)


def find_message(topic: Mapping[str, Any], verb: str, name: str) -> Mapping[str, Any] | None:
    """The message of this name and direction in a stored topic."""
    return next((each for each in topic.get("messages", {}).get(verb, []) if each["name"] == name), None)


def topic_fields(topic: Mapping[str, Any]) -> dict[str, Any]:
    """What a page shows of a stored topic, field by field; a variable's meaning as `variable:` and its name."""
    said = topic.get("parameters", {})
    plain = {name: topic[name] for name in ("target", "verbs", "mapping", "scopes")}
    variables = {f"variable:{name}": said.get(name, "") for name in variables_of(topic["target"])}
    return {**plain, "description": topic.get("description", ""), **variables}


def message_fields(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a page shows of a stored message, field by field."""
    return {"name": "", "summary": "", "schema": None, "examples": [], **message}


def topic_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A topic out of its fields, to be cleaned."""
    said = {name.removeprefix("variable:"): text for name, text in fields.items() if name.startswith("variable:")}
    known = variables_of(str(fields["target"]))
    plain = {name: value for name, value in fields.items() if not name.startswith("variable:")}
    return {**plain, "parameters": {name: text for name, text in said.items() if name in known}}
