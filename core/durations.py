"""How long, in words. Pure."""

UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
MOST_UNITS = 2


def in_words(seconds: int) -> str:
    """ "1 hour", "1 hour 30 minutes", "2 days 4 hours"; never more than two units, the rest is left out."""
    words: list[str] = []
    for name, length in UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(words[:MOST_UNITS]) or "0 seconds"
