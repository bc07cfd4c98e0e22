"""The forms of an import: the file, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from core.text import byte_size, listed
from publisher import archives, queries, validation
from publisher.exchange import Imported
from publisher.forms.common import PLAIN, CleanedField
from publisher.models import Api

NEW, VERSION, OVER = "new", "version", "over"


class UploadForm(forms.Form):
    """A zip or a YAML."""

    file = forms.FileField(
        label="File",
        help_text="The zip or the YAML of an export, at most 10 MiB.",
        widget=forms.FileInput(attrs={"accept": ".zip,.yaml,.yml"}),
    )

    def clean_file(self) -> bytes:
        """What is in it, if that is not too much to read."""
        uploaded = self.cleaned_data["file"]
        if uploaded.size > archives.MOST_BYTES:
            raise forms.ValidationError(f"This file has {byte_size(uploaded.size)}. An API has at most 10 MiB.")
        return bytes(uploaded.read())


class ImportForm(forms.Form):
    """What becomes of an upload: a new API, a new version of one, or another design of one that is there.

    `over` is the API at the context and version of the file, `family` the newest version at its context.
    """

    mode = forms.ChoiceField(label="Import it as", widget=forms.RadioSelect)
    name = CleanedField(validation.clean_name, label="Name", widget=forms.TextInput(attrs=PLAIN))
    context = CleanedField(
        validation.clean_context, label="Context", required=False, widget=forms.TextInput(attrs=PLAIN)
    )
    version = CleanedField(validation.clean_version, label="Version", widget=forms.TextInput(attrs=PLAIN))
    seen = forms.DateTimeField(required=False, widget=forms.HiddenInput)
    without_plans = forms.BooleanField(label="Leave out the plans that do not exist here")

    def __init__(
        self, data: Mapping[str, Any] | None, *, imported: Imported, over: Api | None, family: Api | None
    ) -> None:
        names = {name: imported.parts[name] for name in ("name", "context", "version")}
        self.over, self.family = over, family
        ways = {
            OVER: f"A change of {over}" if over else "",
            VERSION: f"A new version of {family.name}" if family else "",
            NEW: "A new API",
        }
        first = OVER if over else VERSION if family else NEW
        seen = over.updated_at.isoformat() if over else ""
        super().__init__(data, initial={**names, "mode": first, "seen": seen})
        self.fields["mode"].choices = [(way, words) for way, words in ways.items() if words]  # type: ignore[attr-defined]
        self.plans, unknown = queries.known_plans(imported.plans)
        if unknown:
            self.fields["without_plans"].help_text = f"There is no {listed(unknown)} here."
        else:
            del self.fields["without_plans"]
