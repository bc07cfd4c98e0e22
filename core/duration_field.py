"""A form field for how long something lasts: a number, its unit, and presets to pick. Its value is seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms

from core.amount_input import AmountInput
from core.durations import UNITS

LENGTHS = dict(reversed(UNITS))  # seconds, the shortest unit first


@dataclass(frozen=True, slots=True)
class Amount:
    """So many of a unit: "90", "minute"."""

    number: str
    unit: str

    @classmethod
    def of(cls, seconds: float) -> Amount:
        """Seconds in the largest unit that leaves no fraction; 0 is in seconds."""
        whole = [unit for unit, length in LENGTHS.items() if seconds and seconds % length == 0]
        unit = whole[-1] if whole else "second"
        return cls(f"{seconds / LENGTHS[unit]:.10g}", unit)

    def __str__(self) -> str:
        return f"{self.number} {self.unit}{'' if self.number == '1' else 's'}"


class DurationInput(AmountInput):
    """In the largest unit that leaves no fraction."""

    units: ClassVar = [(unit, f"{unit}s") for unit in LENGTHS]
    least = "second"

    def amount_of(self, value: float) -> tuple[str, str]:
        amount = Amount.of(value)
        return amount.number, amount.unit


class DurationField(forms.Field):
    """Seconds between `least` and `most`; 0 too where `may_be_off`. `what` begins the sentences of its errors.

    `presets` are seconds that a page offers beside the field.
    """

    widget = DurationInput

    def __init__(
        self,
        *,
        what: str,
        least: float,
        most: float,
        may_be_off: bool = False,
        whole: bool = False,
        presets: Iterable[int] = (),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.what, self.least, self.most, self.may_be_off, self.whole = what, least, most, may_be_off, whole
        self.presets = [Amount.of(seconds) for seconds in presets]

    def to_python(self, value: Any) -> float | int | None:
        """Seconds; None if the number was left out."""
        number, unit = value if isinstance(value, list) else [value, "second"]
        text = str(number).strip().replace(",", ".")
        if not text:
            return None
        try:
            seconds = float(text) * LENGTHS[unit]
        except (KeyError, ValueError):
            seconds = math.nan
        if not math.isfinite(seconds):
            raise forms.ValidationError(f"{self.what}: enter a number and choose its unit, for example 1 hour.")
        return round(seconds) if self.whole and seconds == round(seconds) else seconds

    def validate(self, value: Any) -> None:
        """Refuse what is out of range, in the units that people use."""
        if value is None:
            if self.required:
                raise forms.ValidationError(f"{self.what}: enter a number and choose its unit, for example 1 hour.")
            return
        if self.may_be_off and value == 0:
            return
        if not self.least <= value <= self.most:
            off = ", or 0" if self.may_be_off else ""
            raise forms.ValidationError(
                f"{self.what} must be between {Amount.of(self.least)} and {Amount.of(self.most)}{off}."
            )
        if self.whole and value != int(value):
            raise forms.ValidationError(f"{self.what} is in whole seconds.")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another duration was sent than the one shown."""
        try:
            return bool(self.to_python(data) != self.to_python(initial))
        except forms.ValidationError:
            return True
