"""The text of a definition, in JSON or YAML: what it says, and on which line it says it. Pure.

YAML is read as JSON would be: `yes` and `2026-01-01` are texts, and only true, false, null and numbers are something
else (the core schema of YAML 1.2). What a stranger sends is bounded before it is built.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

SOURCE_BYTES, MAXIMUM_NODES, MAXIMUM_DEPTH = 524_288, 50_000, 60

Path = tuple[str | int, ...]

_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]{1,300}|[0-9]{1,300}(\.[0-9]{0,300})?)([eE][-+]?[0-9]{1,3})?")
_WORDS = {**dict.fromkeys(("", "~", "null", "Null", "NULL"))}
_WORDS |= {**dict.fromkeys(("true", "True", "TRUE"), True), **dict.fromkeys(("false", "False", "FALSE"), False)}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a definition: the line it stands on (from 1; 0: nowhere), and what to do."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.sentence}" if self.line else self.sentence


class BadSource(ValueError):
    """The text is neither JSON nor YAML, or too much of it. `problem` says where."""

    def __init__(self, line: int, sentence: str) -> None:
        self.problem = Problem(line, sentence)
        super().__init__(str(self.problem))


@dataclass(slots=True)
class DefinitionSource:
    """What a text says, and the line of each of its values by the path to it."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """The line of a value, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def read(text: str) -> DefinitionSource:
    """What the text says. Raises BadSource."""
    if len(text.encode(errors="replace")) > SOURCE_BYTES:
        raise BadSource(0, f"A definition has at most {SOURCE_BYTES // 1024} KiB.")
    if not text.strip():
        raise BadSource(0, "There is nothing in it yet. Paste a definition in YAML or JSON.")
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        # JSON takes tabs between its parts and such marks in its texts; YAML takes neither.
        text = _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\t", " "))
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or error.context or "it cannot be read"
        last = text.rstrip().count("\n")  # what ends too early is missed on its last line
        line = min(mark.line, last) + 1 if mark else 0
        raise BadSource(line, f"This cannot be read as YAML or JSON: {said}.") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise BadSource(0, f"This cannot be read as YAML or JSON: {error}.") from None
    return builder.source


@dataclass(eq=False, repr=False)
class _Builder:
    """Builds the value out of the events of a YAML parser, without recursion, and counts what it builds."""

    source: DefinitionSource = field(default_factory=DefinitionSource)
    _open: list[tuple[Any, Path, str, int]] = field(default_factory=list, init=False)
    _keys: list[str | None] = field(default_factory=list, init=False)
    _anchors: dict[str, tuple[Any, int]] = field(default_factory=dict, init=False)
    _nodes: int = field(default=0, init=False)

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent) and self._nodes:
            raise BadSource(line, "A second document begins here. Give one definition.")
        if isinstance(event, yaml.ScalarEvent):
            is_key = bool(self._open) and isinstance(self._open[-1][0], dict) and self._keys[-1] is None
            value: Any = event.value
            if not is_key:
                if not any(event.implicit) and not (event.tag or "").endswith((":str", "!")):
                    raise BadSource(line, f"{event.tag} is no type that JSON knows. Leave it out.")
                value = value if event.style or not event.implicit[0] else _resolved(value)
            self._place(value, line, event.anchor or "")
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if event.tag and not event.implicit:
                raise BadSource(line, f"{event.tag} is no type that JSON knows. Leave it out.")
            if len(self._open) >= MAXIMUM_DEPTH:
                raise BadSource(line, f"Values stand at most {MAXIMUM_DEPTH} deep, one inside the other.")
            before, value = self._nodes, cast(Any, {} if isinstance(event, yaml.MappingStartEvent) else [])
            self._open.append((value, self._place(value, line, ""), event.anchor or "", before))
            self._keys.append(None)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            value, _path, anchor, before = self._open.pop()
            self._keys.pop()
            if anchor:
                self._anchors[anchor] = (value, self._nodes - before)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise BadSource(line, f"*{event.anchor} stands for nothing: no &{event.anchor} ends before it.")
            value, size = self._anchors[event.anchor]
            self._nodes += size
            self._place(value, line, "")

    def _place(self, value: Any, line: int, anchor: str) -> Path:
        self._nodes += 1
        if self._nodes > MAXIMUM_NODES:
            raise BadSource(line, f"A definition has at most {MAXIMUM_NODES} values.")
        if anchor:
            self._anchors[anchor] = (value, 1)
        path: Path = ()
        if not self._open:
            self.source.value = value
        else:
            parent, above, _anchor, _before = self._open[-1]
            if isinstance(parent, list):
                path = (*above, len(parent))
                parent.append(value)
            elif self._keys[-1] is None:  # it is the key of the pair that comes: a text, as in JSON
                if isinstance(value, dict | list):
                    raise BadSource(line, "A key is a text.")
                self._keys[-1] = key = str(value)
                if key in parent:
                    raise BadSource(line, f"{key} stands here twice. Keep one of them.")
                path = (*above, key)
            else:
                key, self._keys[-1] = self._keys[-1], None
                path, line = (*above, key), self.source.lines[(*above, key)]
                parent[key] = value
        self.source.lines[path] = line
        return path


def _resolved(text: str) -> Any:
    """What a scalar without quotes says."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


class _Dumper(yaml.SafeDumper):
    """YAML for people: in the order of the document, lists indented, long texts in blocks, nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, value: str) -> Any:
    lines = value.split("\n")
    style = '"' if not all(line.isprintable() for line in lines) else "|" if len(lines) > 1 else None
    if not isinstance(_resolved(value), str):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(value: Any) -> str:
    """The text of a document in YAML."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def as_json(value: Any) -> str:
    """The text of a document in JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
