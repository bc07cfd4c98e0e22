"""The forms of a design: create, basic info, business plans."""

from __future__ import annotations

from typing import Any

from django import forms

from core import values
from publisher import validation
from publisher.forms.common import PLAIN, CleanedField, GuardedForm, in_words, offer_plans
from publisher.models import Api, Plan
from publisher.origins import clean_origins


class CreateForm(forms.Form):
    """Design a New WebSocket API. Labels are those of the tutorial."""

    name = CleanedField(
        validation.clean_name,
        label="Name",
        help_text="What developers see in the catalogue. Letters, digits, spaces, - and _.",
        widget=forms.TextInput(attrs={**PLAIN, "data-check": "name", "autofocus": True}),
    )
    context = CleanedField(
        validation.clean_context,
        label="Context",
        help_text="The path on the gateway, such as /echowebsocket.",
        widget=forms.TextInput(attrs={**PLAIN, "data-check": "context", "inputmode": "url"}),
    )
    version = CleanedField(
        validation.clean_version,
        label="Version",
        help_text="Ends the path.",
        widget=forms.TextInput(attrs={**PLAIN, "data-check": "version"}),
    )
    endpoint = CleanedField(
        validation.clean_endpoint_url,
        label="Endpoint",
        required=False,
        help_text="Your backend's address: ws://host:port/path, or wss:// when it is secured.",
        widget=forms.TextInput(attrs={**PLAIN, "data-check": "endpoint", "inputmode": "url"}),
    )
    plans = forms.ModelMultipleChoiceField(
        Plan.objects.none(),
        label="Business Plan(s)",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offer_plans(self)


class BasicInfoForm(GuardedForm):
    """Description, tags, default version and, while it may still change, the context."""

    description = forms.CharField(
        label="Description",
        required=False,
        help_text="What it is for and whom it serves. Developers read this first.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    tags = forms.CharField(
        label="Tags",
        required=False,
        help_text="Words that help to find it, with commas between them.",
        widget=forms.TextInput(attrs=PLAIN),
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

    def __init__(self, *args: Any, context_is_open: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not context_is_open:
            del self.fields["context"]

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        return {
            "seen": api.updated_at.isoformat(),
            "description": api.description,
            "tags": ", ".join(api.tags),
            "context": api.context,
            "is_default_version": api.is_default_version,
        }

    def changes(self) -> dict[str, Any]:
        """What the operation takes."""
        changes = {name: value for name, value in self.cleaned_data.items() if name != "seen"}
        return {**changes, "tags": changes["tags"].split(",")}


class RuntimeForm(GuardedForm):
    """Which web pages may call, and how a token may be shown."""

    origins = forms.CharField(
        label="Allowed origins",
        required=False,
        help_text="Web pages that may call, one a line: https://app.example.com, or https://*.example.com for every "
        "host below it. While this is empty, every page may.",
        widget=forms.Textarea(attrs={**PLAIN, "rows": 4, "placeholder": "https://app.example.com"}),
    )
    query_token = forms.BooleanField(
        label="Accept tokens in the address",
        required=False,
        help_text="?access_token= is simple to try, but addresses end up in logs and histories.",
    )

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        return {
            "seen": api.updated_at.isoformat(),
            "origins": "\n".join(api.origins),
            "query_token": api.query_token,
        }

    def clean_origins(self) -> list[str]:
        """The origins as browsers write them."""
        try:
            return clean_origins(self.cleaned_data["origins"].splitlines())
        except values.BadValue as error:
            raise forms.ValidationError(in_words(error)) from None


class PlansForm(GuardedForm):
    """The business plans on offer."""

    plans = forms.ModelMultipleChoiceField(
        Plan.objects.none(),
        label="Business plans",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offer_plans(self)
