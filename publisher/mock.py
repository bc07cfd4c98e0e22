"""A backend that is not there yet: what the gateway says in its place, written in lines. Pure.

The document is what `Api.mock` stores and a revision's snapshot carries: `{"is_on": true, "on_connect": […], "replies":
[…], "echo": true, "every": 5.0, "in_turn": […], "script": […]}`. A message is one line; `@name` stands for the examples
of the topics' message of that name, one after the other.

A reply is `what => message`. `what` is the whole text of a client's message, `member=value` of a JSON object (a dotted
path leads into it), `@name` for what fits the schema of that message of clients, or `*` for any; the first that fits
answers. `${member}` in it is what the client's object holds there, and `@name(id, data.room)` is an example with these
members as the client's object has them, so that an answer is known by its question.

A script is done line after line from the moment of connecting: `send message`, `burst 10 message`, `pause 2` (seconds),
`close 1000 reason`, and `repeat` as the last one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from jsonschema_rs import Validator

from core.values import BadValue, invalid, refuse
from publisher.payloads import validator_of
from publisher.validation import clean_switch

MOST_LINES, LONGEST_LINE, MOST_AT_ONCE = 50, 4000, 1000
SHORTEST, LONGEST = 0.1, 3600.0
LISTS = ("on_connect", "replies", "in_turn", "script")
OFF: Mapping[str, Any] = {
    "is_on": False,
    "on_connect": [],
    "replies": [],
    "echo": False,
    "every": 0.0,
    "in_turn": [],
    "script": [],
}
CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, *range(3000, 5000)})
"""What may stand in a Close frame (RFC 6455 §7.4)."""
_MEMBER = re.compile(r"\$\{([^{}]+)\}")
_CORRELATED = re.compile(r"(@[^()]+)\(([^()]*)\)")
_HOW = "Write send MESSAGE, burst NUMBER MESSAGE, pause SECONDS, close CODE REASON, or repeat."

Messages = Iterator[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a script: `times` messages, a pause in seconds, or a Close (code 0: none)."""

    message: str = ""
    times: int = 0
    pause: float = 0.0
    code: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Mock:
    """What is said in a backend's place. `script_repeats` begins it anew when it has ended."""

    on_connect: tuple[str, ...] = ()
    replies: tuple[tuple[str, str], ...] = ()
    echo: bool = False
    every: float = 0.0
    in_turn: tuple[str, ...] = ()
    script: tuple[Step, ...] = ()
    script_repeats: bool = False
    examples: tuple[tuple[str, tuple[str, ...]], ...] = ()
    schemas: tuple[tuple[str, Validator], ...] = field(default=(), compare=False)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], topics: Sequence[Mapping[str, Any]] = ()) -> Mock | None:
        """What was stored, with the examples of the topics' messages; None where it is not switched on."""
        if not document.get("is_on"):
            return None
        lines = [line for line in document["script"] if line != "repeat"]
        # What checks each message of clients that is asked for by name.
        asked = {line.partition("=>")[0].strip() for line in document["replies"]}
        sent = [each for topic in topics for each in (topic.get("messages") or {}).get("publish", [])]
        checked = [each for each in sent if f"@{each['name']}" in asked and each.get("schema") is not None]
        return cls(
            on_connect=tuple(document["on_connect"]),
            replies=tuple(read_reply(line) for line in document["replies"]),
            echo=document["echo"],
            every=document["every"],
            in_turn=tuple(document["in_turn"]),
            script=tuple(map(read_step, lines)),
            script_repeats=len(lines) < len(document["script"]),
            examples=tuple(_examples(topics)),
            schemas=tuple((f"@{each['name']}", validator_of(each["schema"])) for each in checked),
        )


class Speaker:
    """The words of one connection: whose turn it is among examples is its own."""

    def __init__(self, mock: Mock) -> None:
        self._mock = mock
        self._examples = {f"@{name}": cycle(texts) for name, texts in mock.examples}

    def says(self, message: str) -> str:
        """The message itself, or the next of the examples that it stands for."""
        return next(self._examples.get(message, iter(())), message)

    def answer(self, heard: str | bytes) -> str | bytes | None:
        """What is answered to a client's message; None for nothing."""
        text = heard if isinstance(heard, str) else heard.decode(errors="replace")
        members = _object(text)
        for what, message in self._mock.replies:
            name, equals, value = what.partition("=")
            fits = self._fits(what, text) if what.startswith("@") else what in ("*", text)
            if fits or (equals and _text(_at(members, name.strip())) == value.strip()):
                said = self._correlated(message, members)
                return _MEMBER.sub(lambda found: _text(_at(members, found[1]) or ""), said)
        return heard if self._mock.echo else None

    def _fits(self, what: str, text: str) -> bool:
        """Whether a client's message fits the schema of a message of this name; one that is no JSON is a text."""
        validators = [validator for name, validator in self._mock.schemas if name == what]
        try:
            payload = json.loads(text) if validators else None
        except (ValueError, RecursionError):
            payload = text
        return any(validator.is_valid(payload) for validator in validators)

    def _correlated(self, message: str, members: Any) -> str:
        """What is said, with the members of the client's object that are to stand in an example."""
        found = _CORRELATED.fullmatch(message)
        if found is None or found[1] not in self._examples:
            return self.says(message)
        example = _object(said := self.says(found[1]))
        for path in filter(None, map(str.strip, found[2].split(","))):
            if isinstance(example, dict) and (value := _at(members, path)) is not None:
                _put(example, path.split("."), value)
        return said if example is None else json.dumps(example, ensure_ascii=False)


def clean_mock(document: Any) -> dict[str, Any]:
    """The document as it is stored: every field of it, or none where it says nothing. Raises Invalid by field."""
    if not isinstance(document, Mapping):
        raise invalid(mock='A mock is an object such as {"is_on": true, "echo": true}.')
    errors: dict[str, str] = {}
    cleaned = dict(OFF)
    for name, value in document.items():
        try:
            if name not in OFF:
                raise BadValue("A mock has no such field.")
            if name in LISTS:
                cleaned[name] = _lines(value)
            else:
                cleaned[name] = _seconds(value) if name == "every" else clean_switch(value)
            if name == "replies":
                cleaned[name] = [" => ".join(read_reply(line)) for line in cleaned[name]]
            elif name == "script":
                steps = [read_step(line) for line in cleaned[name] if line != "repeat"]
                if "repeat" in cleaned[name][:-1]:
                    raise BadValue("repeat is the last line of a script: nothing comes after it.")
                if len(steps) < len(cleaned[name]) and not any(step.pause for step in steps):
                    raise BadValue("A script that repeats needs a pause, such as pause 1: else it would never rest.")
        except BadValue as error:
            errors[str(name)] = str(error)
    if bool(cleaned["every"]) != bool(cleaned["in_turn"]) and not errors:
        name = "in_turn" if cleaned["every"] else "every"
        errors[name] = "Say both how often something is sent and what, or neither."
    refuse(errors)
    return {} if cleaned == OFF else cleaned


def read_reply(line: str) -> tuple[str, str]:
    """What a client says, and what is answered. Raises BadValue."""
    what, arrow, message = (part.strip() for part in line.partition("=>"))
    if not (what and arrow and message):
        raise BadValue(f"Write each reply as what => message, such as ping => pong. This one is not: {line[:80]}")
    return what, message


def read_step(line: str) -> Step:
    """One line of a script but `repeat`. Raises BadValue."""
    verb, _, rest = line.strip().partition(" ")
    first, _, words = rest.strip().partition(" ")
    step: Step | None = None
    match verb:
        case "send" if rest.strip():
            step = Step(rest.strip(), 1)
        case "burst" if first.isdecimal() and words.strip() and 1 <= int(first[:9]) <= MOST_AT_ONCE:
            step = Step(words.strip(), int(first))
        case "pause" if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", first) and not words:
            step = Step(pause=_seconds(float(first)))
        case "close" if first.isdecimal() and int(first[:9]) in CLOSE_CODES and len(words.strip().encode()) <= 123:
            step = Step(code=int(first), reason=words.strip())
    if step is None or (verb == "pause" and not step.pause):
        raise BadValue(f"{_HOW} A burst is of at most {MOST_AT_ONCE} messages. This line is none of it: {line[:80]}")
    return step


def _lines(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(line, str) for line in value):
        raise BadValue("This is a list of lines.")
    lines = [line.strip() for line in value if line.strip()]
    if len(lines) > MOST_LINES:
        raise BadValue(f"At most {MOST_LINES} lines are taken; these are {len(lines)}.")
    if bad := next((line for line in lines if len(line) > LONGEST_LINE or not line.isprintable()), ""):
        raise BadValue(f"A line has at most {LONGEST_LINE} characters, none of them for control: {bad[:40]}…")
    return lines


def _seconds(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (value and not SHORTEST <= value <= LONGEST):
        raise BadValue(f"This is a number of seconds from {SHORTEST:g} to {LONGEST:g}, or 0 for never.")
    return float(value)


def _examples(topics: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for topic in topics:
        for messages in (topic.get("messages") or {}).values():
            for message in messages:
                if examples := message.get("examples"):
                    texts = (
                        each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in examples
                    )
                    yield message["name"], tuple(texts)


def _object(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None


def _at(members: Any, path: str) -> Any:
    for name in path.split("."):
        members = members.get(name) if isinstance(members, dict) else None
    return members


def _put(members: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(members.get(name), dict):
            members[name] = {}
        members = members[name]
    members[path[-1]] = value


def _text(value: Any) -> str:
    """A value as it stands between quotes in JSON, a text without them."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return text[1:-1] if isinstance(value, str) else text
