"""What another set of topics would change, and what of that breaks the clients there are. Pure.

What a client sends breaks when less of it is taken, what it receives when it may be something new.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.text import listed
from publisher.asyncapi.references import Dangling, follow, path_of
from publisher.topics import VERBS, find, find_message

Topics = Sequence[Mapping[str, Any]]

MOST_LEVELS, MOST_SENTENCES = 20, 200
TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
PARTS = {
    "verbs": "directions",
    "description": "description",
    "parameters": "parameters",
    "scopes": "scopes",
    "mapping": "path on the backend",
}


_ANYTHING: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be otherwise: `kind` is added, removed or changed."""

    kind: str
    what: str
    detail: str = ""


def changes(before: Topics, after: Topics) -> list[Change]:
    """How the topics `after` differ from those before, topic by topic."""
    found = [Change("added", each["target"]) for each in after if find(before, each["target"]) is None]
    found += [Change("removed", each["target"]) for each in before if find(after, each["target"]) is None]
    for new in after:
        old = find(before, new["target"])
        if old is not None and (differing := [*_differing(old, new)]):
            found.append(Change("changed", new["target"], listed(differing)))
    kept = [each["target"] for each in before if find(after, each["target"])]
    if kept != [each["target"] for each in after if each["target"] in kept]:
        found.append(Change("changed", "The order of the topics"))
    return found


def breaking(before: Topics, after: Topics) -> list[str]:
    """What of the topics `after` breaks clients of those before, a sentence for each."""
    if not before and after:
        return ["Every path was open; now only the declared topics are."]
    found: list[str] = []
    for old in before if after else []:
        new = find(after, old["target"])
        found += _broken(old, new) if new is not None else [f"The topic {old['target']} is removed."]
    more = len(found) - MOST_SENTENCES
    return [*found[:MOST_SENTENCES], f"And {more} more."] if more > 0 else found


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from (words for part, words in PARTS.items() if (old.get(part) or None) != (new.get(part) or None))
    for verb in VERBS:
        names = [each["name"] for topic in (old, new) for each in topic.get("messages", {}).get(verb, [])]
        for name in dict.fromkeys(names):
            was, is_now = find_message(old, verb, name), find_message(new, verb, name)
            if was != is_now:
                how = "added" if was is None else "removed" if is_now is None else "changed"
                yield f"message {name} ({verb}) {how}"


def _broken(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    target = old["target"]
    if fewer := [verb for verb in old["verbs"] if verb not in new["verbs"]]:
        yield f"{target} no longer lets clients {listed(fewer)}."
    if set(new["scopes"]) and not set(old["scopes"]) <= set(new["scopes"]):
        yield f"{target} no longer opens to tokens with {listed(sorted(set(old['scopes']) - set(new['scopes'])))}."
    elif new["scopes"] and not old["scopes"]:
        yield f"{target} asks for a scope now: {listed(new['scopes'])}."
    for verb in old["verbs"]:
        for message in old.get("messages", {}).get(verb, []) if verb in new["verbs"] else ():
            now = find_message(new, verb, message["name"])
            where = f"{message['name']} on {target}"
            if now is None:
                if new.get("messages", {}).get(verb):
                    yield f"The message {where} ({verb}) is removed."
                continue
            was, is_now = message.get("schema", {}), now.get("schema", {})
            comparison = _Sent(was, is_now) if verb == "publish" else _Received(is_now, was)
            yield from (f"{where}: {sentence}." for sentence in dict.fromkeys(comparison.narrowed()))


class _Comparison:
    """What of a wider schema a narrower one does not take."""

    def __init__(self, wide: Any, narrow: Any) -> None:
        self.wide, self.narrow = wide, narrow
        self._seen: set[tuple[int, int]] = set()

    def narrowed(self) -> Iterator[str]:
        """A few words for each place."""
        yield from self._at(self.wide, self.narrow, "", 0)

    def _at(self, wide: Any, narrow: Any, at: str, level: int) -> Iterator[str]:
        wide, narrow = _resolved(self.wide, wide), _resolved(self.narrow, narrow)
        pair = (id(wide), id(narrow))
        if level > MOST_LEVELS or pair in self._seen:
            return
        self._seen.add(pair)  # a schema that holds itself would be walked for ever
        place = at or "the payload"
        if fewer := _types(wide) - _types(narrow):
            gone_types = sorted(fewer & _named(wide))
            yield self.type(place, gone_types or sorted(_named(narrow)), bool(gone_types))
        if isinstance(narrow.get("enum"), list):
            values = wide.get("enum")
            gone = [each for each in values if each not in narrow["enum"]] if isinstance(values, list) else None
            if gone or gone is None:
                yield self.enum(place, gone)
        for keyword in (*UPPER, *LOWER):
            if (limit := narrow.get(keyword)) is not None and _is_tighter(keyword, limit, wide.get(keyword)):
                yield f"{keyword} of {place} {self.limit(limit, wide.get(keyword))}"
        for name in _list(narrow, "required"):
            if name not in _list(wide, "required"):
                yield self.required(f"{at}/{name}")
        ours, theirs = _mapping(wide, "properties"), _mapping(narrow, "properties")
        for name in sorted(ours.keys() & theirs.keys()):
            yield from self._at(ours[name], theirs[name], f"{at}/{name}", level + 1)
        yield from self.gone(ours, theirs, narrow, at)
        if isinstance(wide.get("items"), dict) and isinstance(narrow.get("items"), dict):
            yield from self._at(wide["items"], narrow["items"], f"{at}/*", level + 1)

    def type(self, place: str, types: list[str], are_gone: bool) -> str:
        """Fewer types: those that are gone, or those that are left where any was possible."""
        raise NotImplementedError

    def enum(self, place: str, gone: list[Any] | None) -> str:
        """Fewer values; None where any was possible."""
        raise NotImplementedError

    def limit(self, narrow: Any, wide: Any) -> str:
        """A limit is tighter."""
        raise NotImplementedError

    def required(self, place: str) -> str:
        """A field that could be left out."""
        raise NotImplementedError

    def gone(self, wide: Mapping[str, Any], narrow: Mapping[str, Any], schema: Any, at: str) -> Iterator[str]:
        """Fields that only one of them names."""
        raise NotImplementedError


class _Sent(_Comparison):
    """By what clients send: the wide schema is the one before, the narrow one that of now."""

    def type(self, place: str, types: list[str], are_gone: bool) -> str:
        return f"{place} may no longer be {listed(types)}" if are_gone else f"{place} must be {_either(types)} now"

    def enum(self, place: str, gone: list[Any] | None) -> str:
        return f"{place} may no longer be {_values(gone)}" if gone else f"{place} takes only certain values now"

    def limit(self, narrow: Any, wide: Any) -> str:
        return f"is {narrow} now" if wide is None else f"is {narrow} now, it was {wide}"

    def required(self, place: str) -> str:
        return f"{place} is required now"

    def gone(self, wide: Mapping[str, Any], narrow: Mapping[str, Any], schema: Any, at: str) -> Iterator[str]:
        if schema.get("additionalProperties") is False:
            yield from (f"{at}/{name} is no longer taken" for name in sorted(wide.keys() - narrow.keys()))


class _Received(_Comparison):
    """By what clients receive: the wide schema is that of now, the narrow one what clients rely on."""

    def type(self, place: str, types: list[str], are_gone: bool) -> str:
        return f"{place} may be {listed(types)} now" if are_gone else f"{place} may be anything now"

    def enum(self, place: str, gone: list[Any] | None) -> str:
        return f"{place} may be {_values(gone)} now" if gone else f"{place} may be any value now"

    def limit(self, narrow: Any, wide: Any) -> str:
        return f"is no longer {narrow}" if wide is None else f"is {wide} now, it was {narrow}"

    def required(self, place: str) -> str:
        return f"{place} may be missing now"

    def gone(self, wide: Mapping[str, Any], narrow: Mapping[str, Any], schema: Any, at: str) -> Iterator[str]:
        dropped = narrow.keys() - wide.keys() - set(_list(schema, "required"))
        yield from (f"{at}/{name} is gone" for name in sorted(dropped))


def _resolved(root: Any, schema: Any) -> dict[str, Any]:
    """The schema behind its references within `root`; an empty one where they lead nowhere."""
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        try:
            schema = follow(root, path_of(schema["$ref"]))[0]
        except Dangling:
            return _ANYTHING
    return schema if isinstance(schema, dict) else _ANYTHING


def _named(schema: Mapping[str, Any]) -> set[str]:
    """The types that a schema names."""
    kinds = schema.get("type")
    return {kinds} if isinstance(kinds, str) else set(_list(schema, "type"))


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a schema takes."""
    named = _named(schema)
    return frozenset(named | ({"integer"} if "number" in named else set())) if named else TYPES


def _is_tighter(keyword: str, narrow: Any, wide: Any) -> bool:
    if not isinstance(narrow, int | float) or (wide is not None and not isinstance(wide, int | float)):
        return False
    if wide is None:
        return not (keyword.startswith("min") and narrow == 0 and keyword != "minimum")
    return bool(narrow < wide) if keyword in UPPER else bool(narrow > wide)


def _list(schema: Mapping[str, Any], key: str) -> list[str]:
    found = schema.get(key)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _mapping(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, dict) else {}


def _either(words: Sequence[str]) -> str:
    return " or ".join(words)


def _values(values: Sequence[Any]) -> str:
    shown = [json.dumps(each, ensure_ascii=False)[:40] for each in values[:5]]
    return listed([*shown, f"{len(values) - 5} more"] if len(values) > 5 else shown)
