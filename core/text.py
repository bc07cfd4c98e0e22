"""Numbers in words. Pure."""

THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 connection", "1 204 connections"."""
    return f"{spaced(number)} {noun}{'' if number == 1 else 's'}"


def spaced(number: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{number:,}".replace(",", THIN_SPACE)
