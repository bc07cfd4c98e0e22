"""What an API is found by: which texts, who finds it by them, and what a hit there weighs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

from core.searching import MOST_CHARACTERS
from core.text import fold
from publisher.document_terms import DocumentVisibility

PIECE = 20_000
"""Characters of one row: a long text is several, so that none is more than any database indexes."""


class Audience(StrEnum):
    """Who finds an API by a text: of those who find it at all."""

    EVERYBODY = "everybody"
    SIGNED_IN = "signed-in"
    PUBLISHER = "publisher"


class SearchPart(IntEnum):
    """Where a text stands; the number is what a word weighs that is found there."""

    NAME = 32
    TAGS = 16
    ADDRESS = 12
    TOPICS = 8
    DESIGNED_TOPICS = 7
    DESCRIPTION = 6
    DOCUMENT = 4
    CONTENT = 1


AUDIENCES = {
    DocumentVisibility.API_LEVEL: Audience.EVERYBODY,
    DocumentVisibility.PRIVATE: Audience.SIGNED_IN,
    DocumentVisibility.OWNER_ONLY: Audience.PUBLISHER,
}


class Piece(NamedTuple):
    """One text to be found."""

    part: SearchPart
    audience: Audience
    text: str


def pieces_of_api(values: Mapping[str, Any], topics: Any, served: Any) -> list[Piece]:
    """What is said of an API itself: its columns, the topics of its design, and those that are served."""
    found = [
        *_pieces(SearchPart.NAME, Audience.EVERYBODY, [values["name"], values["display_name"]]),
        *_pieces(SearchPart.ADDRESS, Audience.EVERYBODY, [values["context"], values["version"]]),
        *_pieces(SearchPart.TAGS, Audience.EVERYBODY, values["tags"]),
        *_pieces(SearchPart.DESCRIPTION, Audience.EVERYBODY, [values["description"]]),
        *_pieces(SearchPart.TOPICS, Audience.EVERYBODY, _said_of(served)),
    ]
    if topics != served:
        found += _pieces(SearchPart.DESIGNED_TOPICS, Audience.PUBLISHER, _said_of(topics))
    return found


def pieces_of_document(visibility: str, title: Iterable[str], content: str) -> list[Piece]:
    """What a document is called, and what it says."""
    audience = AUDIENCES[DocumentVisibility(visibility)]
    return [*_pieces(SearchPart.DOCUMENT, audience, title), *_pieces(SearchPart.CONTENT, audience, [content])]


def searched(text: str) -> str:
    """What a text and what is looked for in it have in common: folded, and any white space as one blank."""
    return " ".join(fold(text).split())


def _pieces(part: SearchPart, audience: Audience, texts: Iterable[str]) -> Iterator[Piece]:
    """The texts, a line each, in pieces of which two neighbours share as much as may be looked for at once."""
    whole = "\n".join(dict.fromkeys(filter(None, map(searched, texts))))
    for start in range(0, len(whole), PIECE):
        yield Piece(part, audience, f"{whole[start : start + PIECE + MOST_CHARACTERS]}\n\n")


def _said_of(topics: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What people read of topics: paths, what they and their variables mean, and what the messages are called."""
    for topic in topics:
        yield topic["target"]
        yield topic.get("description", "")
        yield from topic.get("parameters", {}).values()
        for messages in topic.get("messages", {}).values():
            for message in messages:
                yield message["name"]
                yield message.get("summary", "")
