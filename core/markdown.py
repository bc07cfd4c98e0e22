"""Markdown that people wrote, as markup that is safe to show, or as plain words for a line of a card.

markdown-it-py reads it (CommonMark with tables and struck-out text), nh3 lets nothing through but the elements below.
"""

from __future__ import annotations

from typing import Final

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from core.text import reads_backwards

HIGHEST_HEADING, LOWEST_HEADING = 3, 6
"""The page and its cards have the headings above."""
PREVIEWED: Final = 4000
"""A line of a card is made of so many letters at most, however long the text is."""
ELEMENTS: Final = frozenset(
    {
        *("h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "ul", "ol", "li"),
        *("a", "em", "strong", "s", "table", "thead", "tbody", "tr", "th", "td"),
    }
)
DIRECTED: Final = ("p", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table")
ATTRIBUTES: Final = {name: {"dir"} for name in DIRECTED} | {"a": {"href", "title"}, "ol": {"dir", "start"}}
SCHEMES: Final = frozenset({"http", "https", "mailto"})

_READER = MarkdownIt("commonmark", {"html": False, "maxNesting": 12}).enable(["table", "strikethrough"])
_READER.disable("image")  # a picture from elsewhere would tell its server who reads the page


def markup(text: str) -> SafeString:
    """The text as elements without scripts, styles, pictures or addresses of other schemes than SCHEMES.

    Headings begin below those of a card and go down one by one, and search engines are told not to follow the links.
    Where some of the text reads from right to left, each block has the direction of its own first word.
    """
    tokens, level = _READER.parse(text), HIGHEST_HEADING - 1
    is_mixed = reads_backwards(text)
    for token in tokens:
        if is_mixed and token.block and token.nesting == 1 and token.tag not in ("li", "thead", "tbody", "tr"):
            token.attrSet("dir", "auto")
        if token.type == "heading_open":
            level = min(int(token.tag[1]) + HIGHEST_HEADING - 1, level + 1, LOWEST_HEADING)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{level}"
    unsafe = _READER.renderer.render(tokens, _READER.options, {})
    return SafeString(
        nh3.clean(
            unsafe,
            tags=set(ELEMENTS),
            attributes={name: set(each) for name, each in ATTRIBUTES.items()},
            url_schemes=set(SCHEMES),
            link_rel="nofollow noopener noreferrer",
        )
    )


def words(text: str) -> str:
    """The text on one line without its marks, cut where a card has no room for more."""
    said: list[str] = []
    for token in _READER.parse(text[:PREVIEWED]):
        if token.type in ("fence", "code_block"):
            said.append(token.content)
        elif token.type == "inline":
            pieces = token.children or ()
            said.append("".join(" " if each.type in ("softbreak", "hardbreak") else each.content for each in pieces))
    return " ".join(" ".join(said).split())
