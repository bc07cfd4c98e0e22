"""The one door by which pure code has its sentences translated: gettext, as Django has it, and nothing else of it.

Where nobody chose a language, as in commands, logs and REST, a sentence comes back as it is written.
"""

from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext


def gettext_noop(sentence: str) -> str:
    """Mark a sentence that is translated when it is said; unlike Django's, it asks for no settings."""
    return sentence


def ngettext_noop(one: str, many: str) -> tuple[str, str]:
    """Mark the two forms of a sentence that is translated when it is said."""
    return one, many


__all__ = ["gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_noop", "pgettext"]
