"""What differs between two states of one API, field by field, in words that a person reads. Pure.

Both sides are snapshots as `publisher.snapshots` takes them. Of what is secret only the name is ever said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from typing import Any

from core import durations
from publisher.endpoint import OPTION_BOUNDS, EndpointOptions
from publisher.runtime import WORDS

NONE, SECRET = "none", "kept secret"
LONGEST = 2_000
MOST_COMPARED = 1_000_000  # lines of the one side times lines of the other
SEALED = "gAAAAA"  # what every token of the vault begins with
LABELS = {
    "name": "Name",
    "context": "Context",
    "version": "Version",
    "is_default_version": "Default version",
    "url": "Address",
    "failover": "Fails over to",
    "prevent_suspension": "Prevent suspension",
    "verify_tls": "Verify the backend's certificate",
    "ca_certificate": "Certificate authority to trust",
    "pass_refusals": "Pass the backend's refusals on",
    "signed_identity": "Sign who calls",
    "query_token": "Tokens in the address",
    "origins": "Allowed origins",
    "plans": "Business plans",
    "verbs": "Directions",
    "mapping": "Path at the backend",
    "scopes": "Scopes",
    "production": "Production endpoint",
    "sandbox": "Sandbox endpoint",
    "endpoint_options": "Endpoint configuration",
    **{name: words.capitalize() for name, words in WORDS.items()},
    **{name: limits.label for name, limits in OPTION_BOUNDS.items()},
}
SECONDS = OPTION_BOUNDS.keys() - {name for name, limits in OPTION_BOUNDS.items() if limits.whole} - {"suspend_factor"}
FORGOTTEN = frozenset({"api_id"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not the same: where it belongs, what it is called, and what it was and is."""

    group: str
    field: str
    before: str
    after: str


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Every field that differs, topics and headers one by one. An option that a side does not know has its default."""
    found: list[Difference] = []
    for part in dict.fromkeys([*before, *after]):
        if part in FORGOTTEN or before.get(part) == after.get(part):
            continue
        found += READERS.get(part, partial(_fields, "API"))(part, before.get(part), after.get(part))
    return found


def label(name: str) -> str:
    """What a person calls a field."""
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def in_words(name: str, value: Any) -> str:
    """A value as a person reads it. What is sealed is never shown."""
    if value in (None, "", [], {}):
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in SECONDS:
        return "off" if value == 0 else durations.in_words(int(value)) if value == int(value) else f"{value} seconds"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(map(_readable, value))
    return _readable(value if isinstance(value, str) else json.dumps(_without_secrets(value), ensure_ascii=False))


def _readable(text: str) -> str:
    if text.startswith(SEALED):
        return SECRET
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return _readable(value) if isinstance(value, str) else value


def _sides(name: str, before: Any, after: Any) -> tuple[str, str]:
    """Both values as a person reads them; of documents, such as a schema, which lines differ."""
    sides = before, after
    texts = [each for each in sides if isinstance(each, list) and all(isinstance(word, str) for word in each)]
    if not any(isinstance(each, list | Mapping) and each not in texts for each in sides):
        return in_words(name, before), in_words(name, after)
    old, new = (
        json.dumps(_without_secrets(each), ensure_ascii=False, indent=2).split("\n") if each else [] for each in sides
    )
    if old and new and len(old) * len(new) <= MOST_COMPARED:
        groups = list(SequenceMatcher(None, old, new).get_grouped_opcodes(1))
        old = "\n…\n".join("\n".join(old[group[0][1] : group[-1][2]]) for group in groups).split("\n")
        new = "\n…\n".join("\n".join(new[group[0][3] : group[-1][4]]) for group in groups).split("\n")
    return _readable("\n".join(old)) or NONE, _readable("\n".join(new)) or NONE


def _fields(group: str, part: str, before: Any, after: Any) -> Iterator[Difference]:
    """A field, or each member of one that is an object."""
    if not all(isinstance(each or {}, Mapping) for each in (before, after)):
        yield Difference(group, label(part), *_sides(part, before, after))
        return
    was, now = before or {}, after or {}
    for name in dict.fromkeys([*was, *now]):
        if was.get(name) != now.get(name):
            yield Difference(
                group, f"{label(part)}: {label(name).lower()}", *_sides(name, was.get(name), now.get(name))
            )


def _endpoint(part: str, before: Any, after: Any) -> Iterator[Difference]:
    before, after = before or {}, after or {}
    for name in dict.fromkeys(["url", *before, *after]):
        if before.get(name) != after.get(name):
            yield Difference(
                label(part), label(name), in_words(name, before.get(name)), in_words(name, after.get(name))
            )


def _options(part: str, before: Any, after: Any) -> Iterator[Difference]:
    usual = EndpointOptions().to_document()
    before, after = {**usual, **(before or {})}, {**usual, **(after or {})}
    for name in dict.fromkeys([*before, *after]):
        sides = before.get(name), after.get(name)
        if sides[0] == sides[1]:
            continue
        if isinstance(sides[0] or {}, Mapping) and isinstance(sides[1] or {}, Mapping):
            yield from _entries(name, sides[0] or {}, sides[1] or {})
        elif "secret" in name or "password" in name or "private" in name:
            yield Difference(label(part), label(name), *_kept(*map(bool, sides)))
        else:
            yield Difference(label(part), label(name), *(in_words(name, side) for side in sides))


def _entries(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Headers and the like, one by one."""
    one = label(name).removesuffix("s")
    for entry in dict.fromkeys([*before, *after]):
        sides = before.get(entry), after.get(entry)
        if sides[0] == sides[1]:
            continue
        if "secret" in f"{name} {entry}" or "password" in entry:
            said = _kept(entry in before, entry in after)
        else:
            said = in_words(entry, sides[0]), in_words(entry, sides[1])
        yield Difference(label("endpoint_options"), f"{one} {entry}", *said)


def _kept(was: bool, is_now: bool) -> tuple[str, str]:
    """The two sides of a secret that changed."""
    return SECRET if was else NONE, ("another value" if was else SECRET) if is_now else NONE


def _topics(part: str, before: Any, after: Any) -> Iterator[Difference]:
    """Each topic by its path; their order last."""
    old, new = ({topic["target"]: topic for topic in side or []} for side in (before, after))
    for target in dict.fromkeys([*old, *new]):
        if target not in new:
            yield Difference("Topics", target, _topic(old[target]), "removed")
        elif target not in old:
            yield Difference("Topics", target, "not there", _topic(new[target]))
        else:
            was, now = old[target], new[target]
            for name in dict.fromkeys([*was, *now]):
                if name != "messages" and was.get(name) != now.get(name):
                    said = _sides(name, was.get(name), now.get(name))
                    yield Difference("Topics", f"{target}: {label(name).lower()}", *said)
            yield from _messages(target, was.get("messages") or {}, now.get("messages") or {})
    if list(old) != list(new) and old.keys() == new.keys():
        yield Difference("Topics", "Order", ", ".join(old), ", ".join(new))


def _messages(target: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Each message of a topic by its direction and name, and of one that is on both sides what differs."""
    old, new = (
        {(direction, each["name"]): each for direction in side for each in side[direction]} for side in (before, after)
    )
    for key in dict.fromkeys([*old, *new]):
        was, now, what = old.get(key, {}), new.get(key, {}), f"{target}: {key[0]} {key[1]}"
        if not (was and now):
            yield Difference("Topics", what, "there" if was else "not there", "there" if now else "removed")
            continue
        for name in dict.fromkeys([*was, *now]):
            if was.get(name) != now.get(name):
                yield Difference("Topics", f"{what}, {name}", *_sides(name, was.get(name), now.get(name)))


def _topic(topic: Mapping[str, Any]) -> str:
    names = [each["name"] for messages in (topic.get("messages") or {}).values() for each in messages]
    known = {**topic, "messages": list(dict.fromkeys(names))}
    said = {name: in_words(name, value) for name, value in known.items() if name != "target" and value}
    return "; ".join(f"{label(name).lower()} {words}" for name, words in said.items()) or "every direction"


READERS: Mapping[str, Callable[[str, Any, Any], Iterator[Difference]]] = {
    "production": _endpoint,
    "sandbox": _endpoint,
    "endpoint_options": _options,
    "topics": _topics,
}
