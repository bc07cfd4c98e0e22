"""What a person sent, value by value: taken, or refused with a sentence. Pure."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from core.errors import Invalid
from core.text import is_seen
from core.translating import gettext


class BadValue(ValueError):
    """A value that cannot be taken. `str(error)` is the whole sentence; `suggestion` is a value that would do."""

    def __init__(self, sentence: str, suggestion: str = "") -> None:
        meant = gettext("%(sentence)s Did you mean %(suggestion)s?") % {"sentence": sentence, "suggestion": suggestion}
        super().__init__(meant if suggestion else sentence)
        self.sentence = sentence
        self.suggestion = suggestion


def clean(values: Mapping[str, Any], cleaners: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Every value through its cleaner. Raises Invalid with one sentence for each field that cannot be taken."""
    cleaned, errors = {}, {}
    for key, value in values.items():
        try:
            if key not in cleaners:
                raise BadValue(gettext("There is no such field. Leave it out."))
            cleaned[key] = cleaners[key](value)
        except BadValue as error:
            errors[key] = str(error)
    refuse(errors)
    return cleaned


def clean_line(value: Any, most: int, what: str, missing: str = "") -> str:
    """Text on one line without outer or double blanks; raises BadValue, with the sentence `missing` for none at all."""
    text = " ".join(str(value or "").split())
    if missing and not text:
        raise BadValue(missing)
    if not is_seen(text):
        said = gettext("%(what)s cannot contain characters that are not seen. Type it anew.")
        raise BadValue(said % {"what": what})
    return within(text, most, what)


def clean_choice(value: Any, words: Collection[str], sentence: str) -> str:
    """The value, if it is one of the words; raises BadValue with the sentence."""
    if not isinstance(value, str) or value not in words:
        raise BadValue(sentence)
    return str(value)


def within(text: str, most: int, what: str) -> str:
    """The text, if it has at most so many characters; raises BadValue."""
    if len(text) > most:
        said = gettext("%(what)s has at most %(most)s characters; this one has %(number)s.")
        raise BadValue(said % {"what": what, "most": most, "number": len(text)})
    return text


def refuse(errors: Mapping[str, str | None], introduction: str = "") -> None:
    """Raise Invalid if there is a sentence for any field. `introduction` stands before them where all are shown."""
    fields = {name: sentence for name, sentence in errors.items() if sentence}
    if fields:
        raise Invalid(" ".join(filter(None, [introduction, *fields.values()])), fields)


def invalid(**fields: str) -> Invalid:
    """The refusal of one field or several: `raise invalid(name="Give it a name.")`."""
    return Invalid(" ".join(fields.values()), fields)
