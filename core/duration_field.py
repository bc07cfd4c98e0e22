"""A form field for how long something lasts: a number, its unit, and presets to pick. Its value is seconds."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.formats import get_format

from core.amount_field import Amount, AmountField, AmountInput
from core.durations import UNITS
from core.translating import gettext, gettext_lazy, ngettext


class Duration(Amount):
    """So many of a unit: "90", "minute"."""

    units: ClassVar = dict(reversed(UNITS))
    names: ClassVar = {
        "second": gettext_lazy("seconds"),
        "minute": gettext_lazy("minutes"),
        "hour": gettext_lazy("hours"),
        "day": gettext_lazy("days"),
    }

    def __str__(self) -> str:
        one, many = f"%(number)s {self.unit}", f"%(number)s {self.unit}s"
        said = ngettext(one, many, 1 if self.number == "1" else 2)  # a half is of many, too
        return said % {"number": self.number.replace(".", get_format("DECIMAL_SEPARATOR"))}


class DurationInput(AmountInput):
    """In the largest unit that leaves no fraction."""

    kind = Duration


class DurationField(AmountField):
    """Seconds between `least` and `most`; 0 too where `may_be_off`, and without a fraction where `whole`."""

    kind, widget, example = Duration, DurationInput, gettext_lazy("1 hour")

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
            said = gettext("%(what)s must be between %(least)s and %(most)s.")
            if self.may_be_off:
                said = gettext("%(what)s must be between %(least)s and %(most)s, or 0.")
            named = {"what": self.what, "least": Duration.of(self.least), "most": Duration.of(self.most)}
            raise forms.ValidationError(said % named)
        if self.whole and value != int(value):
            raise forms.ValidationError(gettext("%(what)s is in whole seconds.") % {"what": self.what})
