"""A form on one row that knows which state of it the person had before their eyes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django import forms
from django.utils.dateparse import parse_datetime


class SeenForm(forms.Form):
    """Takes along, where nobody sees it, when the row was saved last. `is_new`: there is no row yet."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)
    is_new = True

    def clean(self) -> dict[str, Any]:
        """The fields. Without the moment of the last save nothing is saved: it might go over others."""
        cleaned = super().clean() or self.cleaned_data
        if not self.is_new and not self.seen_at:
            raise forms.ValidationError("This page has lost track of what it edits. Open the page again and repeat it.")
        return cleaned

    @property
    def seen_at(self) -> datetime | None:
        """The moment of the last save that the person saw."""
        try:
            seen = parse_datetime(self.cleaned_data.get("seen", ""))
        except ValueError:
            return None
        return seen if seen and seen.tzinfo else None

    def see(self, saved: datetime) -> None:
        """Let the next save go over the one of this moment; what was typed stays."""
        data = cast(Any, self.data).copy()
        data["seen"] = saved.isoformat()
        self.data = data
