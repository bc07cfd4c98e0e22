"""Sentences that are kept and said later, each time in the language of whoever reads them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from django.utils import dateformat

from core.text import listed, spaced
from core.translating import gettext, ngettext, pgettext


class Sentence:
    """A sentence as the catalogues know it and what stands in it: `Sentence(gettext_noop("%(api)s is old."), api=api)`.

    Where a number decides, `Sentence(*ngettext_noop("%(number)s code left.", "%(number)s codes left."), number=2)`.
    `str` says it in the language of this moment. What stands in it is a text, a number, a day, a moment, another
    sentence, or a list of them, said as "a, b and c".
    """

    def __init__(self, text: str, many: str = "", /, **values: object) -> None:
        self.text, self.many, self.values = text, many, values

    def __str__(self) -> str:
        number = self.values.get("number")
        said = ngettext(self.text, self.many, number) if self.many and isinstance(number, int) else gettext(self.text)
        return said % {name: _said(value) for name, value in self.values.items()}

    def kept(self) -> str:
        """As a column keeps it, for `Sentence.read`."""
        return json.dumps([self.text, self.many, self.values], default=_kept, ensure_ascii=False)

    @classmethod
    def read(cls, kept: str) -> Sentence:
        """The sentence that `kept` wrote down."""
        text, many, values = json.loads(kept, object_hook=_read)
        return cls(text, many, **values)


def _said(value: object) -> str:
    if isinstance(value, list):
        return listed([_said(each) for each in value])
    if isinstance(value, datetime):
        # Translators: how a moment is written, in the letters of Django's filter `date`: "05 November, 17:30"
        return dateformat.format(value, pgettext("date", "d F, H:i"))
    if isinstance(value, date):
        # Translators: how a day is written, in the letters of Django's filter `date`: "05 November 2026"
        return dateformat.format(value, pgettext("date", "d F Y"))
    return spaced(value) if isinstance(value, int) else str(value)


DAY, MOMENT, SENTENCE = "a day", "a moment", "a sentence"


def _kept(value: object) -> object:
    if isinstance(value, date):
        return {MOMENT if isinstance(value, datetime) else DAY: value.isoformat()}
    return {SENTENCE: value.kept()} if isinstance(value, Sentence) else str(value)


def _read(values: dict[str, Any]) -> object:
    if DAY in values:
        return date.fromisoformat(values[DAY])
    if MOMENT in values:
        return datetime.fromisoformat(values[MOMENT])
    return Sentence.read(values[SENTENCE]) if SENTENCE in values else values
