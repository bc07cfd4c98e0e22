"""A form field for a size: a number, its unit, and presets to pick. Its value is bytes."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from core.amount_field import Amount, AmountField, AmountInput
from core.text import BYTE_UNITS
from core.translating import gettext


class Size(Amount):
    """So many of a unit: "64", "KiB"."""

    units: ClassVar = {"bytes": 1, **{unit: octets for octets, unit in reversed(BYTE_UNITS)}}


class SizeInput(AmountInput):
    """In the largest unit that leaves no fraction."""

    kind = Size


class SizeField(AmountField):
    """Whole bytes from 1 to `most`, or 0, which is also what nothing is."""

    kind, widget, example = Size, SizeInput, "64 KiB"

    def __init__(self, *, most: int, **options: Any) -> None:
        super().__init__(**{"required": False, **options})
        self.most = most

    def to_python(self, value: Any) -> int:
        """Bytes."""
        octets = super().to_python(value) or 0
        if octets != int(octets):
            raise forms.ValidationError(gettext("%(what)s is a whole number of bytes.") % {"what": self.what})
        return int(octets)

    def validate(self, value: Any) -> None:
        """Refuse what is out of range."""
        if not 0 <= value <= self.most:
            said = gettext("%(what)s must be between 1 byte and %(most)s, or 0.")
            raise forms.ValidationError(said % {"what": self.what, "most": Size.of(self.most)})
