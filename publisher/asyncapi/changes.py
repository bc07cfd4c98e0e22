"""What another set of topics would change, and what of that breaks the clients there are. Pure.

What a client sends breaks when less of it is taken, what it receives when it may be something new.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.text import listed
from publisher.asyncapi.references import resolved
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
        if (old := find(before, new["target"])) is None:
            continue
        differing = [words for part, words in PARTS.items() if (old.get(part) or None) != (new.get(part) or None)]
        for verb in VERBS:
            names = [each["name"] for topic in (old, new) for each in topic.get("messages", {}).get(verb, [])]
            for name in dict.fromkeys(names):
                was, is_now = find_message(old, verb, name), find_message(new, verb, name)
                if was != is_now:
                    how = "added" if was is None else "removed" if is_now is None else "changed"
                    differing.append(f"message {name} ({verb}) {how}")
        if differing:
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
            said, wide, narrow = (_SENT, was, is_now) if verb == "publish" else (_RECEIVED, is_now, was)
            sentences = _Comparison(wide, narrow, said).at(wide, narrow)
            yield from (f"{where}: {sentence}." for sentence in dict.fromkeys(sentences))


@dataclass(frozen=True, slots=True)
class _Direction:
    """How it is said that one schema does not take what another one does."""

    type_gone: str
    type_left: str
    value_gone: str
    values_left: str
    limit_set: str
    limit_moved: str
    required: str
    dropped: str


_SENT = _Direction(
    type_gone="{place} may no longer be {words}",
    type_left="{place} must be {words} now",
    value_gone="{place} may no longer be {words}",
    values_left="{place} takes only certain values now",
    limit_set="{keyword} of {place} is {narrow} now",
    limit_moved="{keyword} of {place} is {narrow} now, it was {wide}",
    required="{place} is required now",
    dropped="{place} is no longer taken",
)
"""By what clients send: the wide schema is the one before, the narrow one that of now."""
_RECEIVED = _Direction(
    type_gone="{place} may be {words} now",
    type_left="{place} may be anything now",
    value_gone="{place} may be {words} now",
    values_left="{place} may be any value now",
    limit_set="{keyword} of {place} is no longer {narrow}",
    limit_moved="{keyword} of {place} is {wide} now, it was {narrow}",
    required="{place} may be missing now",
    dropped="{place} is gone",
)
"""By what clients receive: the wide schema is that of now, the narrow one what clients rely on."""


@dataclass(eq=False, repr=False)
class _Comparison:
    """What of a wider schema a narrower one does not take, in the words of a direction."""

    wide: Any
    narrow: Any
    said: _Direction
    _seen: set[tuple[int, int]] = field(default_factory=set, init=False)

    def at(self, wide: Any, narrow: Any, path: str = "", level: int = 0) -> Iterator[str]:
        """A few words for each place at a path and below it."""
        wide, narrow = resolved(self.wide, wide), resolved(self.narrow, narrow)
        pair = (id(wide), id(narrow))
        if level > MOST_LEVELS or pair in self._seen:
            return
        self._seen.add(pair)  # a schema that holds itself would be walked for ever
        yield from self._values(wide, narrow, path or "the payload")
        ours, theirs = _mapping(wide, "properties"), _mapping(narrow, "properties")
        needed = set(_list(narrow, "required"))
        for name in sorted(needed - set(_list(wide, "required"))):
            yield self.said.required.format(place=f"{path}/{name}")
        if self.said is _RECEIVED:
            dropped = theirs.keys() - ours.keys() - needed
        else:
            dropped = ours.keys() - theirs.keys() if narrow.get("additionalProperties") is False else set()
        for name in sorted(dropped):
            yield self.said.dropped.format(place=f"{path}/{name}")
        for name in sorted(ours.keys() & theirs.keys()):
            yield from self.at(ours[name], theirs[name], f"{path}/{name}", level + 1)
        if isinstance(wide.get("items"), dict) and isinstance(narrow.get("items"), dict):
            yield from self.at(wide["items"], narrow["items"], f"{path}/*", level + 1)

    def _values(self, wide: Mapping[str, Any], narrow: Mapping[str, Any], place: str) -> Iterator[str]:
        """Types, enumerations and limits of one place."""
        if fewer := _types(wide) - _types(narrow):
            if gone := sorted(fewer & {*_list(wide, "type")}):
                yield self.said.type_gone.format(place=place, words=listed(gone))
            else:
                yield self.said.type_left.format(place=place, words=" or ".join(_list(narrow, "type")))
        if isinstance(narrow.get("enum"), list) and not isinstance(wide.get("enum"), list):
            yield self.said.values_left.format(place=place)
        elif isinstance(narrow.get("enum"), list) and (
            lost := [json.dumps(each, ensure_ascii=False)[:40] for each in wide["enum"] if each not in narrow["enum"]]
        ):
            words = listed(lost, 5)
            yield self.said.value_gone.format(place=place, words=words)
        for keyword in (*UPPER, *LOWER):
            limit, other = narrow.get(keyword), wide.get(keyword)
            if _is_tighter(keyword, limit, other):
                said = self.said.limit_set if other is None else self.said.limit_moved
                yield said.format(keyword=keyword, place=place, narrow=limit, wide=other)


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a schema takes."""
    named = set(_list(schema, "type"))
    return frozenset(named | ({"integer"} if "number" in named else set())) if named else TYPES


def _is_tighter(keyword: str, narrow: Any, wide: Any) -> bool:
    if not isinstance(narrow, int | float) or (wide is not None and not isinstance(wide, int | float)):
        return False
    if wide is None:
        return not (keyword.startswith("min") and narrow == 0 and keyword != "minimum")
    return bool(narrow < wide) if keyword in UPPER else bool(narrow > wide)


def _list(schema: Mapping[str, Any], key: str) -> list[str]:
    """The texts that stand under a key, alone or in a list."""
    found = schema.get(key)
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, str)]


def _mapping(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, dict) else {}
