"""Whether a payload fits one of the messages that a topic has in a direction, and if none, where it does not. Pure.

A payload is JSON in UTF-8, in a text frame or a binary one. Where a message's schema says `"type": "string"`, its
payload may also be the text itself, without quotation marks. Of the messages of a topic one has to fit; one without a
schema fits everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from jsonschema_rs import ValidationError, Validator

from gateway.payloads.redaction import steps_of
from publisher.payloads import levels_of, validator_of
from publisher.runtime import ValidationMode

LONGEST_PROBLEM: Final = 300  # characters
MOST_STEPS: Final = 5000  # of looking for the place of an error, where a schema refers to itself

_UNREADABLE = (ValueError, OverflowError, RecursionError)  # a UnicodeError is a ValueError


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with a payload: at `path` (a JSON pointer, RFC 6901; empty: the whole), by the schema of `message`.

    `problem` shows nothing of the payload but the names of members.
    """

    path: str
    problem: str
    message: str = ""

    def __str__(self) -> str:
        of_message = f" ({self.message})" if self.message else ""
        return f"At {self.path or 'the top'}: {self.problem}{of_message}."


@dataclass(eq=False, repr=False, slots=True)
class Misfit:
    """A payload that does not fit. What is wrong with it is found out when somebody wants to know."""

    payload: bytes
    _explain: Callable[[bytes], Violation]
    _violation: Violation | None = field(default=None, init=False)

    def describe(self) -> Violation:
        """Where it does not fit."""
        if self._violation is None:
            self._violation = self._explain(self.payload)
        return self._violation


OnMisfit = Callable[[str, Misfit], None]
"""Told of every payload that does not fit, with who sent it: client or backend. It must not raise."""


def unread(problem: str) -> Misfit:
    """A payload that could not even be read."""
    return Misfit(b"", lambda payload: Violation("", problem))


@dataclass(eq=False, repr=False)
class PayloadCheck:
    """The messages of one topic in one direction. Schemas are compiled when the first payload comes."""

    messages: Sequence[Mapping[str, Any]]

    def misfit(self, payload: bytes) -> Misfit | None:
        """None where the payload fits one of the messages."""
        _, of_text, of_json = self._compiled
        try:
            text = payload.decode()
            for is_valid in of_text:
                if is_valid(text):
                    return None
            value = _parse(text)
            for is_valid in of_json:
                if is_valid(value):
                    return None
        except _UNREADABLE:
            pass
        return Misfit(payload, self.explain)

    def explain(self, payload: bytes) -> Violation:
        """What is wrong with a payload that fits none: the error of the message that takes it furthest."""
        compiled, of_text, _ = self._compiled
        try:
            value = text = payload.decode()
            value = _parse(text)
        except UnicodeDecodeError:
            return Violation("", "it is not UTF-8 text")
        except RecursionError:
            return Violation("", "it is nested too deeply")
        except ValueError as error:
            if not of_text:
                problem = f"it is not JSON, {error}" if isinstance(error, json.JSONDecodeError) else "it is not JSON"
                return Violation("", problem[:LONGEST_PROBLEM])
        found = [_first_error(value, name, schema, validator) for name, schema, validator in compiled]
        return max(found, key=lambda violation: violation.path.count("/"))

    @cached_property
    def _compiled(self) -> tuple[list[tuple[str, Any, Validator]], list[Any], list[Any]]:
        """Each with its validator; what says whether a text is a payload as it is; what, whether a JSON value is."""
        schemas = [(str(each["name"]), each["schema"]) for each in self.messages]
        compiled = [(name, schema, validator_of(schema, mask="value")) for name, schema in schemas]
        of_text = [validator.is_valid for _, schema, validator in compiled if schema.get("type") == "string"]
        return compiled, of_text, [validator.is_valid for _, _, validator in compiled]


class Checks(NamedTuple):
    """What a connection's messages are held against, by who sends them; None: nothing."""

    mode: ValidationMode
    client: PayloadCheck | None
    backend: PayloadCheck | None


def check_of(topic: Mapping[str, Any], verb: str) -> PayloadCheck | None:
    """The check of a stored topic for `publish` (what clients send) or `subscribe`; None where everything fits."""
    messages = topic.get("messages", {}).get(verb, [])
    has_all = messages and all(each.get("schema") for each in messages)
    return PayloadCheck(messages) if has_all else None


def refers_to_itself(schema: Any) -> bool:
    """Whether following the schema's references may lead back: then looking for an error may take for ever."""
    done: set[str] = set()

    def leads_back(node: Any, on_the_way: frozenset[str]) -> bool:
        if isinstance(node, list):
            return any(leads_back(each, on_the_way) for each in node)
        if not isinstance(node, dict):
            return False
        if {"$dynamicRef", "$recursiveRef"} & node.keys():
            return True
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in done:
            if reference in on_the_way:
                return True
            target = schema
            for key in steps_of(unquote(reference.removeprefix("#"))):
                target = target[int(key)] if isinstance(target, list) else target[key]
            if not reference.startswith("#/"):
                raise LookupError(reference)
            if leads_back(target, on_the_way | {reference}):
                return True
            done.add(reference)
        return any(leads_back(each, on_the_way) for each in node.values())

    try:
        return leads_back(schema, frozenset({"#"}))
    except (RecursionError, LookupError, ValueError):  # references that are not followed here, or too many
        return True


def _first_error(value: Any, name: str, schema: Any, validator: Validator) -> Violation:
    if refers_to_itself(schema):
        branches = json.dumps(schema).count('Ref"') + json.dumps(schema).count('ref"') + 1
        if branches ** levels_of(value, 1 + MOST_STEPS.bit_length()) > MOST_STEPS:
            return Violation("", "it does not fit, and is nested too deeply to say where", name)
    try:
        validator.validate(value)
    except ValidationError as error:
        steps = [str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path]
        path = "".join(f"/{step}" for step in steps)
        return Violation(path[:LONGEST_PROBLEM], error.message[:LONGEST_PROBLEM].rstrip("."), name)
    except _UNREADABLE:
        return Violation("", "it holds numbers or characters that cannot be checked", name)
    return Violation("", "it does not fit", name)


# Python would read NaN and Infinity, which are no JSON: no number can be made of their names either.
_parse: Final = json.JSONDecoder(parse_constant=int).decode
