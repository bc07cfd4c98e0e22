"""A form field for a size: a number, its unit, and presets to pick. Its value is bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms

from core.amount_input import AmountInput
from core.text import BYTE_UNITS

SIZES = {"bytes": 1, **{unit: octets for octets, unit in reversed(BYTE_UNITS)}}


@dataclass(frozen=True, slots=True)
class Size:
    """So many of a unit: "64", "KiB"."""

    number: str
    unit: str

    @classmethod
    def of(cls, octets: int) -> Size:
        """Bytes in the largest unit that leaves no fraction."""
        whole = [unit for unit, length in SIZES.items() if octets and octets % length == 0]
        unit = whole[-1] if whole else "bytes"
        return cls(str(octets // SIZES[unit]), unit)

    def __str__(self) -> str:
        return f"{self.number} {self.unit}"


class SizeInput(AmountInput):
    """In the largest unit that leaves no fraction."""

    units: ClassVar = [(unit, unit) for unit in SIZES]
    least = "bytes"

    def amount_of(self, value: float) -> tuple[str, str]:
        size = Size.of(int(value))
        return size.number, size.unit


class SizeField(forms.Field):
    """Whole bytes from 1 to `most`, or 0, which is also what nothing is. `what` begins the sentences of its errors.

    `presets` are bytes that a page offers beside the field.
    """

    widget = SizeInput

    def __init__(self, *, what: str, most: int, presets: Iterable[int] = (), **options: Any) -> None:
        super().__init__(**{"required": False, **options})
        self.what, self.most = what, most
        self.presets = [Size.of(octets) for octets in presets]

    def to_python(self, value: Any) -> int:
        """Bytes."""
        number, unit = value if isinstance(value, list) else [value, "bytes"]
        text = "0" if number is None else str(number).strip().replace(",", ".") or "0"
        try:
            octets = float(text) * SIZES[unit]
        except (KeyError, ValueError):
            octets = math.nan
        if not math.isfinite(octets):
            raise forms.ValidationError(f"{self.what}: enter a number and choose its unit, for example 64 KiB.")
        if octets != int(octets):
            raise forms.ValidationError(f"{self.what} is a whole number of bytes.")
        return int(octets)

    def validate(self, value: Any) -> None:
        """Refuse what is out of range."""
        if not 0 <= value <= self.most:
            raise forms.ValidationError(f"{self.what} must be between 1 byte and {Size.of(self.most)}, or 0.")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another size was sent than the one shown."""
        try:
            return bool(self.to_python(data) != self.to_python(initial))
        except forms.ValidationError:
            return True
