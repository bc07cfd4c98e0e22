"""How much somebody may search for at once. Pure."""

from core.values import invalid

MOST_WORDS, MOST_CHARACTERS = 10, 200


def why_too_much(text: str) -> str:
    """Why these words are more than a search may hold, as a sentence; empty when they are not."""
    if len(text) > MOST_CHARACTERS:
        return f"Search for at most {MOST_CHARACTERS} characters; these are {len(text)}."
    if len(text.split()) > MOST_WORDS:
        return f"Search for at most {MOST_WORDS} words; these are {len(text.split())}."
    return ""


def asked(typed: str) -> tuple[str, str]:
    """What a page searches for when this was typed into its search box, and what it says there when that is nothing.

    What is more than a search may hold is said at the box, where it stays, and the list is shown without it.
    """
    why = why_too_much(typed.strip())
    return "" if why else typed.strip(), why


def words_of(text: str) -> list[str]:
    """The words to search for. Raises Invalid (field `query`) for more than a search may hold."""
    if why := why_too_much(text):
        raise invalid(query=why)
    return text.split()
