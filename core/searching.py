"""What somebody searches for, read: how much it may be at once, and which words are of which field. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from core.errors import Invalid
from core.values import invalid

MOST_WORDS, MOST_CHARACTERS = 10, 200
_WORD = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')


def why_too_much(text: str) -> str:
    """Why these words are more than a search may hold, as a sentence; empty when they are not."""
    if len(text) > MOST_CHARACTERS:
        return f"Search for at most {MOST_CHARACTERS} characters; these are {len(text)}."
    if len(text.split()) > MOST_WORDS:
        return f"Search for at most {MOST_WORDS} words; these are {len(text.split())}."
    return ""


def asked(typed: str, fields: Collection[str] = ()) -> tuple[str, str]:
    """What a page searches for when this was typed into its search box, and what it says there when that is nothing.

    What is more than a search may hold, or of a field that is not among `fields` where there are any, is said at the
    box, where it stays, and the list is shown without it.
    """
    text = typed.strip()
    try:
        _ = terms_of(text, fields, "") if fields else words_of(text)
    except Invalid as refusal:
        return "", str(refusal)
    return text, ""


def words_of(text: str) -> list[str]:
    """The words to search for. Raises Invalid (field `query`) for more than a search may hold."""
    if why := why_too_much(text):
        raise invalid(query=why)
    return text.split()


def terms_of(text: str, fields: Collection[str], default: str) -> list[tuple[str, str]]:
    """What to look for in which field: `name:chat "two words"` is [("name", "chat"), (default, "two words")].

    Quotes hold words together. Raises Invalid (field `query`) for a field that is not among `fields`, and for more than
    a search may hold.
    """
    if why := why_too_much(text):
        raise invalid(query=why)
    terms, known = [], {field.lower(): field for field in fields}
    for word in _WORD.findall(text):
        name, colon, value = word.partition(":")
        if '"' in name:  # the colon stands inside quotes
            name, colon, value = "", "", word
        if colon and name.lower() not in known:
            possible = ", ".join(f"{each}:" for each in fields)
            raise invalid(query=f"{name}: cannot be searched for. Possible: {possible}")
        sought = (value if colon else word).replace('"', "").strip()
        terms.append((known[name.lower()] if colon else default, sought or ("" if colon else word)))
    return [(field, sought) for field, sought in terms if sought]
