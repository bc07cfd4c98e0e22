"""Names that people take for each other though their letters differ: `alice` and `alıce`, `admin` and `аdmin`.

By the table of confusable characters of the Unicode Consortium (Unicode Technical Standard #39, §4), which a library
brings along.
"""

import unicodedata
from functools import cache

from confusable_homoglyphs.confusables import confusables_data

from core.text import fold

LONGEST = 255  # of what is compared, since columns hold it; a letter may look like many
MARK = "\N{LEFT-TO-RIGHT MARK}"  # which the table writes around letters that are read from the right


def looks(text: str) -> str:
    """What all names share that look like `text`, in any case; of use for nothing but comparing."""
    return fold(_skeleton(fold(text)))[:LONGEST]


def possible_looks(text: str) -> frozenset[str]:
    """Whatever `text` may be taken for, whoever reads its capitals as they stand included: `НANS` with a Cyrillic Н."""
    return frozenset({looks(text), looks(_skeleton(unicodedata.normalize("NFKC", text)))})


def _skeleton(text: str) -> str:
    """The text with every character in place of which another one may be seen replaced by that one (UTS #39 §4)."""
    letters = _prototypes()
    shown = "".join(letters.get(letter, letter) for letter in unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFD", shown)


@cache
def _prototypes() -> dict[str, str]:
    """Each confusable character with the one that stands for all like it.

    The table names for each character its prototype and for each prototype all its characters, so the one of a pair
    that is named with more is the prototype; of two alike the longer is.
    """
    weight = {shape: (len(others), len(shape), shape) for shape, others in confusables_data.items()}
    found = {}
    for shape, others in confusables_data.items():
        prototype = max([shape, *(other["c"] for other in others)], key=lambda each: weight.get(each, (0, 0, each)))
        found[shape.strip(MARK)] = prototype.strip(MARK)
    return {shape: prototype for shape, prototype in found.items() if len(shape) == 1}
