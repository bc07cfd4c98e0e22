"""What a console's composer offers to send, and whether what is typed there fits. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core.translating import gettext as _
from publisher.asyncapi.source import as_json
from publisher.payloads import validator_of

LONGEST, MOST_PROBLEMS, MOST_PATHS, MOST_OFFERED = 65_536, 5, 50, 200
"""Letters that are checked while one types; sentences of a verdict; addresses and examples that a page offers."""
_PARAMETER = re.compile(r"\{[^{}]*\}")
Topics = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Sendable:
    """One text to begin with: the topic and message that it belongs to, and the `kind` by which it is checked."""

    topic: str
    title: str
    kind: str
    text: str


def way_in(topics: Topics) -> str:
    """The path below the version that a first connection takes: none where that is open, else that of a topic.

    One without parameters if there is any; else 1 stands for each, where people put what they mean.
    """
    targets = [str(each["target"]) for each in topics]
    if not targets or {"/", "/*"} & set(targets):
        return ""
    return _PARAMETER.sub("1", min(targets, key=lambda target: "{" in target)).removesuffix("*")


def sendable(topics: Topics) -> list[Sendable]:
    """The examples of every message that a client may send, and an empty text for a message without any."""
    found: list[Sendable] = []
    for kind, (topic, message) in _messages(topics).items():
        examples = [each if isinstance(each, str) else as_json(each).rstrip() for each in message.get("examples", [])]
        checked = kind if message.get("schema") is not None else ""
        for number, text in enumerate(examples or [""], start=1):
            title = f"{message['name']} {number}" if len(examples) > 1 else message["name"]
            found.append(Sendable(topic, title, checked, text))
        if len(found) >= MOST_OFFERED:
            break
    return found[:MOST_OFFERED]


def problems(topics: Topics, kind: str, text: str) -> list[str]:
    """What keeps `text` from being a message of this kind, a sentence for each; nothing where all is well.

    The same validator judges here that judges examples in the Publisher.
    """
    message = _messages(topics).get(kind, ("", {}))[1]
    if message.get("schema") is None:
        return []
    if len(text) > LONGEST:
        size = {"size": f"{LONGEST // 1024} KiB"}
        return [_("Only messages up to %(size)s are checked while you type.") % size]
    try:
        payload = json.loads(text)
    except RecursionError:
        return [_("This is nested too deeply to be checked.")]
    except ValueError as error:
        about = {"message": message["name"], "problem": error}
        return [_("%(message)s is JSON, and this is none: %(problem)s.") % about]
    errors = islice(validator_of(message["schema"]).iter_errors(payload), MOST_PROBLEMS)
    return [
        f"{'/'.join(['', *map(str, error.instance_path)]) or _('At its top')}: {error.message[:200]}."
        for error in errors
    ]


def _messages(topics: Topics) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Every message that a client may send, by a name for it that is as good as the revision."""
    return {
        f"{row}.{column}": (topic["target"], message)
        for row, topic in enumerate(topics)
        if "publish" in topic["verbs"]
        for column, message in enumerate(topic.get("messages", {}).get("publish", []))
    }
