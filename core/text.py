"""Numbers in words. Pure."""

THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
BYTE_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 connection", "1 204 connections"."""
    return f"{spaced(number)} {noun}{'' if number == 1 else 's'}"


def agree(number: int, one: str, many: str) -> str:
    """The verb that goes with a number: "loses" with 1, else "lose"."""
    return one if number == 1 else many


def spaced(number: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{number:,}".replace(",", THIN_SPACE)


def byte_size(octets: int) -> str:
    """So many bytes in the largest unit that says them exactly: "64 KiB", "1 000 bytes"."""
    unit = next(((size, name) for size, name in BYTE_UNITS if octets >= size and octets % size == 0), None)
    return f"{spaced(octets // unit[0])} {unit[1]}" if unit else count(octets, "byte")
