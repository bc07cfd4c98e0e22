"""A design as AsyncAPI speaks of it, whichever version a document is in. Pure values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from publisher.asyncapi.source import Problem
from publisher.topics import find

VERSIONS = {"3.0": "3.0.0", "2.6": "2.6.0"}
ACTIONS = {"publish": "receive", "subscribe": "send"}
"""What the API does in AsyncAPI 3, where it is the one that the document describes, when a client publishes."""
EVERY_TOPIC: Mapping[str, Any] = {"target": "/*", "verbs": ["subscribe", "publish"], "mapping": "", "scopes": []}
OAUTH, IN_ADDRESS = "oauth2", "tokenInAddress"
OWN_SCHEMES = frozenset({OAUTH, IN_ADDRESS})


USUAL_PARAMETER: Mapping[str, dict[str, Any]] = {"3.0": {}, "2.6": {"schema": {"type": "string"}}}


def usual_key(target: str) -> str:
    """What the channel of a topic is called where no definition has called it otherwise."""
    return re.sub(r"[^\w]+", "_", target.replace("*", "all")).strip("_") or "topic"


@dataclass(frozen=True, slots=True)
class Design:
    """What a document is written of.

    `servers` are the gateway's addresses of the API by protocol; `rest` is what a definition that was taken over held
    beside the design, as `publisher.asyncapi.reading` keeps it.
    """

    title: str
    version: str
    description: str
    tags: Sequence[str]
    topics: Sequence[Mapping[str, Any]]
    servers: Mapping[str, str]
    token_url: str
    authorization_url: str
    query_token: bool
    rest: Mapping[str, Any]
    with_mappings: bool = False
    """Whether paths on the backend and the servers of a definition that was taken over are written too: for those who
    make the design, not for those who call it."""


@dataclass(slots=True)
class AsyncApiDefinition:
    """What a document says. While there are problems nothing of it may be taken over."""

    version: str = ""
    title: str = ""
    api_version: str = ""
    description: str = ""
    tags: list[str] = field(default_factory=list)
    topics: list[dict[str, Any]] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    mapped: set[str] = field(default_factory=set)
    """The topics of which it says where they lead on the backend."""
    rest: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def parts(self, present: Sequence[Mapping[str, Any]] = (), *, keep: bool = False) -> dict[str, Any]:
        """The parts of a design that it makes; `present` are the topics that it takes the place of.

        Where one of them leads on the backend stays unless the definition says so: what is given to the public does
        not. With `keep`, the topics that it does not name stay behind its own.
        """
        topics = []
        for topic in self.topics:
            old = find(present, topic["target"])
            is_silent = old is not None and topic["target"] not in self.mapped
            topics.append({**topic, "mapping": old["mapping"]} if old is not None and is_silent else topic)
        if keep:
            topics += [dict(each) for each in present if find(topics, each["target"]) is None]
        return {"description": self.description, "tags": self.tags, "topics": topics, "definition": self.rest}
