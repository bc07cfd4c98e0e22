"""The forms that take an AsyncAPI definition: out of a text, a file or an address."""

from __future__ import annotations

from typing import Any

from django import forms

from core import values
from publisher import validation
from publisher.asyncapi.definition import AsyncApiDefinition
from publisher.asyncapi.source import SOURCE_BYTES
from publisher.forms.common import PLAIN
from publisher.forms.designs import CreateForm


class SourceForm(forms.Form):
    """Where a definition comes from. A file comes before an address, an address before the text."""

    text = forms.CharField(
        label="Definition",
        required=False,
        strip=False,
        help_text="AsyncAPI 3 or 2, in YAML or JSON.",
        widget=forms.Textarea(attrs={**PLAIN, "rows": 24, "dir": "ltr", "class": "code-input"}),
    )
    file = forms.FileField(label="From a file", required=False, allow_empty_file=True)
    url = forms.CharField(
        label="From an address",
        required=False,
        max_length=validation.URL_LENGTH,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "url", "placeholder": "https://host/asyncapi.yaml"}),
    )
    keep = forms.BooleanField(label="Keep the topics that it does not name", required=False)
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)

    def clean_file(self) -> str:
        """The text of the file."""
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > SOURCE_BYTES:
            raise forms.ValidationError(f"A definition has at most {SOURCE_BYTES // 1024} KiB.")
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError("This file is no text in UTF-8. Choose a file in YAML or JSON.") from None


def creation_of(definition: AsyncApiDefinition) -> dict[str, Any]:
    """What the form for a new API begins with, out of a definition."""
    name = _suggested(validation.clean_name, definition.title)
    return {
        "name": name,
        "context": _suggested(validation.clean_context, f"/{name.lower()}"),
        "version": _suggested(validation.clean_version, definition.api_version),
        "endpoint": next(iter(definition.backends), ""),
    }


class CreateFromDefinitionForm(CreateForm):
    """A new API, beside the text that it is made of."""

    text = forms.CharField(widget=forms.HiddenInput, strip=False)


def _suggested(clean: Any, text: str) -> str:
    try:
        return str(clean(text))
    except values.BadValue as error:
        return error.suggestion
