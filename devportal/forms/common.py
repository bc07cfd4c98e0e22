"""What the forms share."""

from typing import Any, cast

from django import forms


def model_choice(form: forms.Form, name: str) -> "forms.ModelChoiceField[Any]":
    """The field `name` of `form`, which is declared as a choice among rows."""
    return cast("forms.ModelChoiceField[Any]", form.fields[name])
