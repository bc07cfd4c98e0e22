"""A number and its unit, side by side on a page."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms


class AmountInput(forms.MultiWidget):
    """The number under the field's own name, its unit under `<name>_unit`. Without a unit, the number is of `least`."""

    units: ClassVar[list[tuple[str, str]]]
    least: ClassVar[str]

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = forms.NumberInput({"min": 0, "step": "any", **(attrs or {})})
        super().__init__({"": number, "unit": forms.Select({"aria-label": "Unit"}, choices=self.units)})

    @abstractmethod
    def amount_of(self, value: float) -> tuple[str, str]:
        """A value as a number and its unit."""

    def decompress(self, value: Any) -> list[Any]:
        if value in (None, ""):
            return ["", self.least]
        try:
            return [*self.amount_of(float(value))]
        except ValueError:
            return [value, self.least]

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
