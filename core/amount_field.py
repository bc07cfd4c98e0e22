"""A form field for a number and its unit, side by side, and presets to pick; subclasses say of what."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django import forms
from django.utils.functional import Promise

from core.translating import gettext, gettext_lazy

Text = str | Promise


@dataclass(frozen=True)
class Amount:
    """So many of a unit: "90", "minute". `units` says how much each of them is, the least first."""

    number: str
    unit: str

    units: ClassVar[Mapping[str, int]]
    names: ClassVar[Mapping[str, Text]] = {}
    """Of units, as a page offers them, where they are called otherwise."""

    @classmethod
    def of(cls, value: float) -> Self:
        """In the largest unit that leaves no fraction; nothing, or a fraction of the least, is in the least."""
        whole = [unit for unit, length in cls.units.items() if value and value % length == 0]
        unit = whole[-1] if whole else next(iter(cls.units))
        return cls(str(int(value // cls.units[unit])) if whole else f"{value:.10g}", unit)

    def __str__(self) -> str:
        return f"{self.number} {self.unit}"


class AmountInput(forms.MultiWidget):
    """The number under the field's own name, its unit under `<name>_unit`. Without a unit it is of the least."""

    kind: ClassVar[type[Amount]]

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = forms.NumberInput({"min": 0, "step": "any", **(attrs or {})})
        choices = [(unit, self.kind.names.get(unit, unit)) for unit in self.kind.units]
        self.least = choices[0][0]
        super().__init__({"": number, "unit": forms.Select({"aria-label": gettext_lazy("Unit")}, choices=choices)})

    def decompress(self, value: Any) -> list[Any]:
        if value in (None, ""):
            return ["", self.least]
        try:
            amount = self.kind.of(float(value))
        except ValueError:
            return [value, self.least]
        return [amount.number, amount.unit]

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """What was typed, as number and unit; nothing where nothing was."""
        number, unit = super().value_from_datadict(data, files, name)
        return ["" if number is None else number, unit or self.least]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The number bears the field's own id, so that the label belongs to it."""
        context = super().get_context(name, value, attrs)
        number, unit = context["widget"]["subwidgets"]
        if field_id := (attrs or {}).get("id"):
            number["attrs"]["id"], unit["attrs"]["id"] = field_id, f"{field_id}_unit"
        return context

    def id_for_label(self, id_: str) -> str:
        """The number's."""
        return id_


class AmountField(forms.Field):
    """An amount; None if the number was left out. `what` begins the sentences of its errors, `example` ends one.

    `presets` are amounts that a page offers beside the field.
    """

    kind: ClassVar[type[Amount]]
    example: ClassVar[Text]

    def __init__(self, *, what: Text, presets: Iterable[int] = (), **options: Any) -> None:
        super().__init__(**options)
        self.what, self.presets = what, [self.kind.of(each) for each in presets]

    @property
    def wanted(self) -> str:
        """What to do where it was no amount."""
        said = gettext("%(what)s: enter a number and choose its unit, for example %(example)s.")
        return said % {"what": self.what, "example": self.example}

    def to_python(self, value: Any) -> float | None:
        """How much of the least unit that is."""
        number, unit = value if isinstance(value, list) else [value, next(iter(self.kind.units))]
        text = "" if number is None else str(number).strip().replace(",", ".")
        if not text:
            return None
        try:
            amount = float(text) * self.kind.units[unit]
        except (KeyError, ValueError):
            amount = math.nan
        if not math.isfinite(amount):
            raise forms.ValidationError(self.wanted)
        return amount

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another amount was sent than the one shown."""
        try:
            return bool(self.to_python(data) != self.to_python(initial))
        except forms.ValidationError:
            return True
