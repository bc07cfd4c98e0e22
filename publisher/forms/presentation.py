"""The forms on how an API presents itself: basic info with its picture, business info, properties."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from accounts.roles import Role
from publisher import presentation, queries, validation
from publisher.forms.common import PLAIN, CleanedField, GuardedForm
from publisher.models import Api
from publisher.presentation import AccessControl, Visibility

ROLES = [(role.value, role.value.capitalize()) for role in Role if role is not Role.ADMIN]
SPARE_ROWS = 3
_CELL = re.compile(r"(?:name|value)_(\d{1,4})")


class BasicInfoForm(GuardedForm):
    """What developers read first, how the API is found and by whom, who may edit it; the context while it is open."""

    display_name = CleanedField(
        presentation.clean_display_name,
        label="Display name",
        required=False,
        help_text="What people call it, in any script. Without one it is called by its name.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    description = forms.CharField(
        label="Description",
        required=False,
        help_text="What it is for and whom it serves; developers read this first. Markdown: **bold**, lists, tables, "
        "links, `code`.",
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    tags = forms.CharField(
        label="Tags",
        required=False,
        help_text="Words that help to find it, with commas between them.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    categories = forms.ModelMultipleChoiceField(
        queries.all_categories(),
        label="Categories",
        required=False,
        to_field_name="name",
        help_text="Shelves of the catalogue, which administrators put up.",
        widget=forms.CheckboxSelectMultiple,
    )
    context = CleanedField(
        validation.clean_context,
        label="Context",
        help_text="The path on the gateway. It is fixed with the first revision.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    is_default_version = forms.BooleanField(
        label="Default version",
        required=False,
        help_text="Answers also at the context without a version. Acts with the next deployment.",
    )
    visibility = forms.ChoiceField(
        label="Who finds it in the Developer Portal",
        choices=[
            (Visibility.PUBLIC.value, "Public: everybody, visitors too"),
            (Visibility.RESTRICTED.value, "By role: people with one of these roles, and its team"),
            (Visibility.PRIVATE.value, "Private: only its team"),
        ],
        help_text="Its team is who works on it in the Publisher. Who is subscribed already goes on seeing it.",
        widget=forms.RadioSelect,
    )
    visible_roles = forms.MultipleChoiceField(
        label="Roles that find it", required=False, choices=ROLES, widget=forms.CheckboxSelectMultiple
    )
    access_control = forms.ChoiceField(
        label="Who may edit it",
        choices=[
            (AccessControl.NONE.value, "All creators"),
            (AccessControl.RESTRICTED.value, "Its provider, and creators who also have one of these roles"),
        ],
        widget=forms.RadioSelect,
    )
    access_control_roles = forms.MultipleChoiceField(
        label="Roles that may edit it", required=False, choices=ROLES, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, api: Api) -> None:
        super().__init__(data, api=api)
        if not queries.context_is_open(api):
            del self.fields["context"]

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        simple = ("display_name", "description", "context", "is_default_version", "visibility", "visible_roles")
        return {
            **GuardedForm.initial_of(api),
            **{name: getattr(api, name) for name in (*simple, "access_control", "access_control_roles")},
            "tags": ", ".join(api.tags),
            "categories": sorted(category.name for category in api.categories.all()),
        }

    def clean_tags(self) -> list[str]:
        """The words between the commas; the operation says what a tag may be."""
        return list(self.cleaned_data["tags"].split(","))


class ThumbnailForm(forms.Form):
    """A picture to upload."""

    thumbnail = forms.FileField(
        label="File",
        max_length=255,
        help_text="PNG, JPEG, WebP or GIF, at most 1 MiB. It is drawn anew, small.",
        error_messages={"required": "Choose a picture first.", "empty": "This file is empty. Choose a picture."},
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )


def _line(cleaner: Any, label: str, help_text: str = "", **attrs: str) -> CleanedField:
    widget = forms.TextInput(attrs={**PLAIN, **attrs})
    return CleanedField(cleaner, label=label, required=False, help_text=help_text, widget=widget)


class BusinessInfoForm(GuardedForm):
    """Who answers for the API, and where to turn to."""

    business_owner = _line(presentation.clean_owner, "Business owner", "A person or a team.")
    business_owner_email = _line(presentation.clean_email, "E-mail", inputmode="email")
    technical_owner = _line(presentation.clean_owner, "Technical owner", "A person or a team.")
    technical_owner_email = _line(presentation.clean_email, "E-mail", inputmode="email")
    source_link = _line(
        presentation.clean_link, "Source", inputmode="url", placeholder="https://git.example.com/chat", dir="ltr"
    )
    chat_link = _line(
        presentation.clean_link, "Chat", inputmode="url", placeholder="https://chat.example.com/channel", dir="ltr"
    )
    support_link = _line(
        presentation.clean_link, "Support", inputmode="url", placeholder="https://help.example.com/chat", dir="ltr"
    )

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        return {
            **GuardedForm.initial_of(api),
            **{name: getattr(api, name) for name in BusinessInfoForm.base_fields if hasattr(api, name)},
        }


class PropertiesForm(GuardedForm):
    """Names and values, a row each, with some empty rows at the end; a row without a name and a value is left out."""

    def __init__(self, data: Mapping[str, Any] | None = None, *, api: Api) -> None:
        super().__init__(data, api=api)
        rows = range(min(len(api.properties) + SPARE_ROWS, presentation.MOST_PROPERTIES))
        self.numbers = sorted({int(found[1]) for key in data or () if (found := _CELL.fullmatch(key))}) or [*rows]
        self.rows = []
        for number in self.numbers:
            names = [f"{part}_{number}" for part in ("name", "value", "shown")]
            attrs = {**PLAIN, "aria-label": f"Name {number + 1}"}
            self.fields[names[0]] = forms.CharField(required=False, widget=forms.TextInput(attrs=attrs))
            attrs = {**PLAIN, "aria-label": f"Value {number + 1}"}
            self.fields[names[1]] = forms.CharField(required=False, widget=forms.TextInput(attrs=attrs))
            attrs = {"aria-label": f"Show {number + 1} in the Developer Portal"}
            self.fields[names[2]] = forms.BooleanField(required=False, widget=forms.CheckboxInput(attrs=attrs))
            self.rows.append([self[name] for name in names])

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        cells = [(f"{key}_{number}", row[key]) for number, row in enumerate(api.properties) for key in row]
        told = "\n".join(f"{row['name']}: {row['value']}" for row in api.properties)
        return {**GuardedForm.initial_of(api), **dict(cells), "told": told}

    def edit(self) -> dict[str, Any]:
        """With the rows that hold something as one list."""
        sent = self.cleaned_data
        rows = [{key: sent[f"{key}_{number}"] for key in ("name", "value", "shown")} for number in self.numbers]
        return {**super().edit(), "changes": {"properties": [row for row in rows if row["name"] or row["value"]]}}

    def look_again(self, stored: Mapping[str, Any], clashing: Sequence[str]) -> None:
        """As ever, with all properties as they are stored beside those that were typed."""
        super().look_again(stored, clashing)
        self.theirs = [("Properties", stored["told"])]
