"""How long, in words. Pure."""

from core.text import count

UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
ROUGH_UNITS = (("year", 31_557_600), ("month", 2_629_800), ("week", 604_800), *UNITS[:3])
MOST_UNITS = 2


def in_words(seconds: int) -> str:
    """ "1 hour", "1 hour 30 minutes", "2 days 4 hours"; never more than two units, the rest is left out."""
    words: list[str] = []
    for name, length in UNITS:
        number, seconds = divmod(seconds, length)
        if number:
            words.append(count(number, name))
    return " ".join(words[:MOST_UNITS]) or "0 seconds"


def roughly(seconds: float) -> str:
    """The largest whole unit: "2 hours", "3 weeks"; nothing under a minute."""
    return next((count(int(seconds // length), name) for name, length in ROUGH_UNITS if seconds >= length), "")
