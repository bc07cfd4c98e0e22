"""A category of the catalogue."""

from __future__ import annotations

from django import forms

from publisher import presentation
from publisher.forms.common import PLAIN, CleanedField


class CategoryForm(forms.Form):
    """Its name, and what belongs into it."""

    name = CleanedField(
        presentation.clean_category_name,
        label="Name",
        help_text="Such as Payments. People also search for it: api-category:payments.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    description = forms.CharField(
        label="Description",
        required=False,
        help_text="What belongs into it.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
