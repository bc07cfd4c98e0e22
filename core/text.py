"""Numbers in words, and words made alike. Pure."""

import re
import unicodedata
from collections.abc import Sequence

from core.translating import gettext, ngettext, ngettext_noop

_BACKWARDS = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_JOINED = re.compile("(?<=[^\x00-\x7f\u200c\u200d])[\u200c\u200d](?=[^\x00-\x7f\u200c\u200d])")
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
BYTE_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
COUNTED = (  # which `count` looks up; the catalogues have them from here
    ngettext_noop("%(number)s API", "%(number)s APIs"),
    ngettext_noop("%(number)s access token", "%(number)s access tokens"),
    ngettext_noop("%(number)s active token", "%(number)s active tokens"),
    ngettext_noop("%(number)s application", "%(number)s applications"),
    ngettext_noop("%(number)s byte", "%(number)s bytes"),
    ngettext_noop("%(number)s code", "%(number)s codes"),
    ngettext_noop("%(number)s comment", "%(number)s comments"),
    ngettext_noop("%(number)s connection", "%(number)s connections"),
    ngettext_noop("%(number)s day", "%(number)s days"),
    ngettext_noop("%(number)s field", "%(number)s fields"),
    ngettext_noop("%(number)s hour", "%(number)s hours"),
    ngettext_noop("%(number)s live connection", "%(number)s live connections"),
    ngettext_noop("%(number)s message", "%(number)s messages"),
    ngettext_noop("%(number)s minute", "%(number)s minutes"),
    ngettext_noop("%(number)s month", "%(number)s months"),
    ngettext_noop("%(number)s new connection", "%(number)s new connections"),
    ngettext_noop("%(number)s recording", "%(number)s recordings"),
    ngettext_noop("%(number)s second", "%(number)s seconds"),
    ngettext_noop("%(number)s secret", "%(number)s secrets"),
    ngettext_noop("%(number)s star", "%(number)s stars"),
    ngettext_noop("%(number)s subscription", "%(number)s subscriptions"),
    ngettext_noop("%(number)s token", "%(number)s tokens"),
    ngettext_noop("%(number)s week", "%(number)s weeks"),
    ngettext_noop("%(number)s year", "%(number)s years"),
)
UNREADABLE = "There is a character in it that cannot be kept (NUL, or half of a surrogate pair). Take it out."


def is_readable(text: str) -> bool:
    """Whether it can be written as UTF-8 and kept by every database."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))


def fold(text: str) -> str:
    """What two spellings share that people take for the same: `CÉDRIC` and `Cédric`, `Ｅｃｈｏ` and `echo`.

    NFKC and full case folding (Unicode §3.13, D146), once more for the few letters that need it: folding what is
    folded changes nothing. Search and uniqueness compare this, in the database's column made of it.
    """
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", text)


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 connection", "1 204 connections"."""
    one, many = f"%(number)s {noun}", f"%(number)s {noun}s"
    return ngettext(one, many, number) % {"number": spaced(number)}


def listed(words: Sequence[str], most: int = 0) -> str:
    """Words in a sentence: "a, b and c"; where there are more than `most`, the rest as a number: "a, b and 3 more"."""
    if 0 < most < len(words):
        words = [*words[:most], gettext("%(number)s more") % {"number": len(words) - most}]
    first, last = ", ".join(words[:-1]), "".join(words[-1:])
    return gettext("%(first)s and %(last)s") % {"first": first, "last": last} if first and last else first or last


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


def is_seen(words: str) -> bool:
    """Whether every character can be seen, or joins or parts two that can: Persian and family emoji are written so."""
    return (words.isascii() and words.isprintable()) or _JOINED.sub("", words).isprintable()


def reads_backwards(words: str) -> bool:
    """Whether some of it reads from right to left: Hebrew, Arabic, Syriac, Thaana, N'Ko."""
    return bool(_BACKWARDS.search(words))
