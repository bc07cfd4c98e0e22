"""What the forms share: cleaned fields, refusals taken up, and the guard against saving over somebody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

from core.values import BadValue
from publisher import queries
from publisher.merging import SECRETS, sealed
from publisher.models import Api

GUARDS = frozenset({"seen", "base"})
PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


class CleanedField(forms.CharField):
    """A line of text that goes through one of the cleaners of `publisher.validation`."""

    def __init__(self, cleaner: Callable[[str], str], **options: Any) -> None:
        super().__init__(**options)
        self.cleaner = cleaner

    def clean(self, value: Any) -> str:
        """The clean value; a refusal offers its suggestion as a button that puts it into the field."""
        text = str(value or "")
        if not text.strip() and not self.required:
            return ""
        try:
            return self.cleaner(text)
        except BadValue as error:
            raise forms.ValidationError(in_words(error)) from None


class GuardedForm(forms.Form):
    """A form on the design of an API that knows which state of it the person had before their eyes.

    Two fields that nobody sees are taken along: when the design was saved last, and what it was, as digests.
    """

    theirs: Sequence[tuple[str, str]] = ()
    seen = forms.CharField(widget=forms.HiddenInput)
    base = forms.CharField(widget=forms.HiddenInput, required=False, max_length=4000)

    def __init__(self, data: Mapping[str, Any] | None = None, *, api: Api | None = None) -> None:
        super().__init__(data, initial=self.initial_of(api) if api else {})

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        return {"seen": api.updated_at.isoformat(), "base": json.dumps(queries.base_of(api))}

    def edit(self) -> dict[str, Any]:
        """What `publisher.operations.update_api` is told: the changes, and the page that they were typed on."""
        guards = {name: self.cleaned_data[name] for name in GUARDS}
        return {"changes": {name: self.cleaned_data[name] for name in self.cleaned_data.keys() - GUARDS}, **guards}

    def clean(self) -> dict[str, Any]:
        """Read the fields that nobody sees: the moment of the last save that the person saw, and the digests.

        Without the moment nothing is saved: it might go over others. Without digests (None) the save is guarded as a
        whole. What is wrong with either is said above the form.
        """
        cleaned = super().clean() or self.cleaned_data
        try:
            seen = parse_datetime(cleaned.get("seen", ""))
            base = json.loads(cleaned["base"]) if cleaned.get("base") else None
        except (ValueError, RecursionError):
            seen = base = None
        is_whole = isinstance(base, dict) or not cleaned.get("base")
        if GUARDS & self.errors.keys() or seen is None or seen.tzinfo is None or not is_whole:
            raise forms.ValidationError("This page has lost track of what it edits. Open the page again and repeat it.")
        return {**cleaned, "seen": seen, "base": base}

    def look_again(self, stored: Mapping[str, Any], clashing: Sequence[str]) -> None:
        """Let the next save go over what is `stored` by now; what was typed stays, and `theirs` says the other text.

        Only of the fields that clash: the others are still those that were drawn, and go on giving way.
        """
        self.theirs = [
            (str(field.label), _readable(stored[field.name]))
            for field in self.visible_fields()
            if field.name in stored
            and (not clashing or field.name in clashing)
            and _readable(stored[field.name]) != _readable(field.value())
        ]
        sent = cast(QueryDict, self.data).copy()
        sent["seen"] = stored["seen"]
        if clashing:
            now = json.loads(stored["base"])
            names = {*clashing, *(sealed(name) for name in clashing if name in SECRETS)}
            base = {**json.loads(str(self["base"].value())), **{name: now[name] for name in names}}
            sent["base"] = json.dumps(base)
        self.data = sent


def _readable(value: Any) -> str:
    """What a field holds, as a person reads it, the same for what is stored and what was typed."""
    if isinstance(value, bool) or value in (None, "on"):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(sorted(map(str, value)))
    return str(value).replace("\r\n", "\n").strip()


def in_words(error: BadValue) -> str:
    """The sentence of a refusal; its suggestion is a button that `static/js/check.js` makes work."""
    if not error.suggestion:
        return str(error)
    return format_html(
        '{} Did you mean <button type="button" class="suggestion" data-suggestion>{}</button>?',
        error.sentence,
        error.suggestion,
    )
