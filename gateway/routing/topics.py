"""The topics of one API: which of them a path names, and where on the backend it leads. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes

from core.text import fold
from gateway.payloads.schemas import PayloadCheck
from publisher.uris import percent_encoded

_VARIABLE = re.compile(r"([^{}]*)\{([^{}]+)\}([^{}]*)")
_MAPPED = re.compile(r"\{(?:uri\.var\.)?([^{}]+)\}")
_ENCODED_SEPARATOR = re.compile(r"%2f|%5c|\\|//", re.IGNORECASE)
_MOST_LAYERS = 5  # of percent-encoding, one inside the other
_IN_PATHS = "!$'()*+,:@"  # of what may stand in a segment (RFC 3986 §3.3) not = & ; which split some paths like queries

Bindings = dict[str, str]


@dataclass(frozen=True, slots=True)
class Topic:
    """One declared topic.

    `target` is a path below the version in which a segment may be a variable (`/rooms/{id}`) and the last one `*`.
    `mapping` is the path on the backend, with `{id}` or `{uri.var.id}` for what the variables held and a final `*`
    for what the final `*` held; empty: as it came. A token needs one of `scopes`, if there are any. `client` and
    `backend` say what either may send (None: anything).
    """

    target: str
    verbs: tuple[str, ...] = ()
    mapping: str = ""
    scopes: frozenset[str] = frozenset()
    client: PayloadCheck | None = None
    backend: PayloadCheck | None = None


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """The topic that a path names (None: the API declares none) and the path that the backend is asked for."""

    topic: Topic | None
    backend_path: str


class TopicSet:
    """The declared topics of one API, most specific first; with none declared every path is served."""

    __slots__ = ("_guarded", "_literal", "_loose", "_templates", "topics")

    def __init__(self, topics: Iterable[Topic] = ()) -> None:
        self.topics = tuple(topics)
        ordered = sorted(map(_Template, self.topics), key=lambda template: template.order)
        self._templates = [template for template in ordered if any(template.order)]
        self._literal = {template.steps: template for template in reversed(ordered) if not any(template.order)}
        self._guarded = any(topic.scopes for topic in self.topics)
        loosely = [_Template(topic, read=_loosely) for topic in self.topics] if self._guarded else []
        self._loose = sorted(loosely, key=lambda template: template.order)

    def find(self, rest: str) -> FoundTopic | None:
        """The topic for `rest`, what remains of the raw path below the version; None when no topic takes it.

        A literal segment beats a variable, a variable beats `*`, from left to right. Where a topic asks for a scope,
        a path that a backend could read as another one (`//`, an encoded slash, a backslash) is nobody's, and so is
        one that asks for less than the topic as which it could be read (`/ADMIN`, `/admin/`, `/admin;x=1`).
        """
        if not self.topics:
            return FoundTopic(None, rest)
        if not self._guarded:
            return self._strictly(rest)
        if _ENCODED_SEPARATOR.search(rest) or (segments := _loose_segments(rest)) is None:
            return None
        path = "".join(f"/{segment}" for segment in segments)
        loosely = (each.topic.scopes for each in self._loose if each.bind(segments, path) is not None)
        found, wanted = self._strictly(rest), next(loosely, frozenset[str]())  # as a backend could read it
        has = found.topic.scopes if found and found.topic else frozenset()
        return None if wanted and not (has and has <= wanted) else found

    def _strictly(self, rest: str) -> FoundTopic | None:
        segments = [unquote(segment) for segment in _segments(rest)]
        bindings: Bindings | None = {}
        template = self._literal.get(tuple(segments))
        if template is None:
            for template in self._templates:
                if (bindings := template.bind(segments, rest)) is not None:
                    break
        if template is None or bindings is None:
            return None
        topic = template.topic
        if not topic.mapping:
            return FoundTopic(topic, rest)
        before, mark, query = topic.mapping.partition("?")
        path = _filled(before, bindings, _IN_PATHS) + mark + _filled(query, bindings, "")
        return FoundTopic(topic, path if path.startswith(("/", "?")) else f"/{path}")


class _Template:
    """A target taken apart once, so that a match is a walk over segments. No backtracking, whatever is asked for."""

    __slots__ = ("_open", "order", "steps", "topic")

    def __init__(self, topic: Topic, read: Callable[[str], str] = unquote) -> None:
        self.topic = topic
        segments = _segments(topic.target)
        self._open = segments[-1:] == ["*"]
        self.steps = tuple(
            _Variable(read(found[1]), found[2], read(found[3]))
            if (found := _VARIABLE.fullmatch(segment))
            else read(segment)
            for segment in segments[: len(segments) - self._open]
        )
        # Sorts the more specific first: literal 0, with a fixed beginning or end 1, variable 2, open end 3.
        kinds = (0 if isinstance(step, str) else 1 if step.before or step.after else 2 for step in self.steps)
        self.order = (*kinds, *((3,) if self._open else ()))

    def bind(self, segments: list[str], rest: str) -> Bindings | None:
        """What the variables hold, still percent-encoded; None when the path is not of this shape."""
        count = len(self.steps)
        if len(segments) < count or (len(segments) > count and not self._open):
            return None
        raw = _segments(rest)
        bindings: Bindings = {}
        for step, segment, encoded in zip(self.steps, segments, raw, strict=False):
            if isinstance(step, str):
                if step != segment:
                    return None
                continue
            before, name, after = step
            end = len(encoded) - len(after)  # what is bound must not be empty
            if not (encoded.startswith(before) and encoded.endswith(after) and end > len(before)):
                return None
            bindings[name] = encoded[len(before) : end]
        bindings["*"] = "/".join(raw[count:])
        return bindings


class _Variable(NamedTuple):
    before: str
    name: str
    after: str


def _filled(template: str, bindings: Bindings, safe: str) -> str:
    """A part of a mapping with what the variables held, each as one value: nothing in it ends it.

    What `*` held is the rest of a path, and stays so in a path.
    """
    held = {name: quote(unquote_to_bytes(each), safe=safe) for name, each in bindings.items()}
    if "*" in bindings:
        held["*"] = bindings["*"] if safe else quote(unquote_to_bytes(bindings["*"]), safe="/")
    star = held.get("*", "") if template.endswith("*") else ""
    return percent_encoded(_MAPPED.sub(lambda found: held.get(found[1], found[0]), template.removesuffix("*"))) + star


def _loose_segments(path: str) -> list[str] | None:
    """The segments of a path as the most forgiving of backends reads it; None where they go up or have no end.

    Such a one decodes several times, takes letters in any case and spelling, leaves out empty segments, path
    parameters, blanks and dots at the end, and all that is behind a `?`, `#` or NUL.
    """
    for _ in range(_MOST_LAYERS):
        if (decoded := unquote(path)) == path:
            break
        path = decoded
    else:
        return None
    segments = [segment.partition(";")[0].strip() for segment in re.split(r"[/\\]", re.split(r"[?#\0]", fold(path))[0])]
    if ".." in segments:
        return None
    return [read for segment in segments if (read := _loosely(segment))]


def _loosely(segment: str) -> str:
    return "".join(filter(str.isprintable, fold(segment).partition(";")[0])).strip().rstrip(". ")


def _segments(path: str) -> list[str]:
    """`/a/b` is a, b; the root is no segment, with or without its slash; a slash at the end is an empty one."""
    return path.removeprefix("/").split("/") if path.removeprefix("/") else []
