"""A form field for how long something lasts: a number, its unit, and presets to pick. Its value is seconds."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from core.amount_field import Amount, AmountField, AmountInput
from core.durations import UNITS


class Duration(Amount):
    """So many of a unit: "90", "minute"."""

    units: ClassVar = dict(reversed(UNITS))
    plural = "s"


class DurationInput(AmountInput):
    """In the largest unit that leaves no fraction."""

    kind = Duration


class DurationField(AmountField):
    """Seconds between `least` and `most`; 0 too where `may_be_off`, and without a fraction where `whole`."""

    kind, widget, example = Duration, DurationInput, "1 hour"

    def __init__(
        self, *, least: float, most: float, may_be_off: bool = False, whole: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        self.least, self.most, self.may_be_off, self.whole = least, most, may_be_off, whole

    def to_python(self, value: Any) -> float | int | None:
        """Seconds; None if the number was left out."""
        seconds = super().to_python(value)
        return round(seconds) if seconds is not None and self.whole and seconds == round(seconds) else seconds

    def validate(self, value: Any) -> None:
        """Refuse what is out of range, in the units that people use."""
        if value is None:
            if self.required:
                raise forms.ValidationError(self.wanted)
            return
        if self.may_be_off and value == 0:
            return
        if not self.least <= value <= self.most:
            off = ", or 0" if self.may_be_off else ""
            raise forms.ValidationError(
                f"{self.what} must be between {Duration.of(self.least)} and {Duration.of(self.most)}{off}."
            )
        if self.whole and value != int(value):
            raise forms.ValidationError(f"{self.what} is in whole seconds.")
