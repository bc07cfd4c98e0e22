"""The one door by which pure code has its sentences translated: gettext, as Django has it, and nothing else of it.

Where nobody chose a language, as in commands, logs and REST, a sentence comes back as it is written.
"""

from django.utils.translation import gettext, gettext_lazy, gettext_noop, ngettext, pgettext

__all__ = ["gettext", "gettext_lazy", "gettext_noop", "ngettext", "pgettext"]
