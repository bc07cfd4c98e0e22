"""A definition as people read it: topics with messages, fields and examples, and the source in colours. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import pygments
from pygments.formatters import HtmlFormatter
from pygments.lexers import JsonLexer, YamlLexer

from core.translating import gettext
from core.translating import gettext_noop as _
from publisher.asyncapi.references import resolved
from publisher.asyncapi.source import as_json
from publisher.topics import variables_of

MOST_COLOURED = 32_768
"""Characters of a source that is shown in colours; a longer one takes too long for a page."""
MOST_FIELDS, MOST_LEVELS = 60, 6
LEXERS = {"yaml": YamlLexer, "json": JsonLexer}
DIRECTIONS = {"publish": ("↑", _("You send")), "subscribe": ("↓", _("You receive"))}


def highlighted(text: str, kind: str) -> str:
    """The text as HTML, escaped and with a class for each kind of word; nothing where it is too long for that."""
    if len(text) > MOST_COLOURED:
        return ""
    formatter = HtmlFormatter(nowrap=True, classprefix="tok-")
    return str(pygments.highlight(text, LEXERS[kind](stripnl=False), formatter))


def rendered(topics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The topics for a page, each with its variables and its messages by direction."""
    return [
        {
            "topic": topic,
            "variables": [(name, topic.get("parameters", {}).get(name, "")) for name in variables_of(topic["target"])],
            "directions": [
                (*DIRECTIONS[verb], [_message(each) for each in topic.get("messages", {}).get(verb, [])])
                for verb in DIRECTIONS
                if verb in topic["verbs"]
            ],
        }
        for topic in topics
    ]


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    schema = message.get("schema")
    fields = [*islice(_fields(schema, schema, "", 0), MOST_FIELDS)] if isinstance(schema, dict) else []
    return {
        "name": message["name"],
        "summary": message.get("summary", ""),
        "fields": fields,
        "schema": "" if schema is None else as_json(schema).rstrip(),
        "examples": [as_json(each).rstrip() for each in message.get("examples", [])],
    }


def _fields(root: Any, schema: Any, at: str, level: int) -> Iterator[dict[str, Any]]:
    """The fields of an object and of those inside it: path, type, whether it must be there, and what it is."""
    schema = resolved(root, schema)
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or level > MOST_LEVELS:
        return
    for number, (name, each) in enumerate(properties.items()):
        if number >= MOST_FIELDS:
            return
        held = resolved(root, each)
        path = f"{at}{name}"
        yield {
            "path": path,
            "type": _type(held),
            "required": isinstance(required, list) and name in required,
            "description": str(held.get("description") or held.get("title") or ""),
        }
        items = resolved(root, held.get("items"))
        if held is not schema and items is not schema:
            yield from _fields(root, held, f"{path}.", level + 1)
            yield from _fields(root, items, f"{path}[].", level + 1)


def _type(schema: Mapping[str, Any]) -> str:
    if "const" in schema or isinstance(schema.get("enum"), list):
        values = schema.get("enum", [schema.get("const")])
        possible = ", ".join(as_json(each).strip() for each in values[:8])
        return gettext("one of %(values)s") % {"values": possible}
    kinds = schema.get("type")
    words = gettext(" or ").join(map(str, kinds)) if isinstance(kinds, list) else str(kinds or gettext("any"))
    return f"{words} ({schema['format']})" if isinstance(schema.get("format"), str) else words
