"""How long, in words. Pure."""

from core.text import count, spaced
from core.translating import ngettext, ngettext_noop

UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
ROUGH_UNITS = (("year", 31_557_600), ("month", 2_629_800), ("week", 604_800), *UNITS[:3])
MOST_UNITS = 2
AGO = {
    "year": ngettext_noop("%(number)s year ago", "%(number)s years ago"),
    "month": ngettext_noop("%(number)s month ago", "%(number)s months ago"),
    "week": ngettext_noop("%(number)s week ago", "%(number)s weeks ago"),
    "day": ngettext_noop("%(number)s day ago", "%(number)s days ago"),
    "hour": ngettext_noop("%(number)s hour ago", "%(number)s hours ago"),
    "minute": ngettext_noop("%(number)s minute ago", "%(number)s minutes ago"),
}
AHEAD = {
    "year": ngettext_noop("in %(number)s year", "in %(number)s years"),
    "month": ngettext_noop("in %(number)s month", "in %(number)s months"),
    "week": ngettext_noop("in %(number)s week", "in %(number)s weeks"),
    "day": ngettext_noop("in %(number)s day", "in %(number)s days"),
    "hour": ngettext_noop("in %(number)s hour", "in %(number)s hours"),
    "minute": ngettext_noop("in %(number)s minute", "in %(number)s minutes"),
}


def in_words(seconds: int) -> str:
    """ "1 hour", "1 hour 30 minutes", "2 days 4 hours"; never more than two units, the rest is left out."""
    words: list[str] = []
    for name, length in UNITS:
        number, seconds = divmod(seconds, length)
        if number:
            words.append(count(number, name))
    return " ".join(words[:MOST_UNITS]) or "0 seconds"


def from_now(seconds: float) -> str:
    """The largest whole unit, "in 3 weeks", or "2 hours ago" of what is below 0; nothing within a minute."""
    sentences, distance = (AHEAD, seconds) if seconds > 0 else (AGO, -seconds)
    for name, length in ROUGH_UNITS:
        if number := int(distance // length):
            return ngettext(*sentences[name], number) % {"number": spaced(number)}
    return ""


def roughly(seconds: float) -> str:
    """The largest whole unit: "2 hours", "3 weeks"; nothing under a minute."""
    return next((count(int(seconds // length), name) for name, length in ROUGH_UNITS if seconds >= length), "")
