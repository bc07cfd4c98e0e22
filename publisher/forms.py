"""What a person sends to the Publisher's pages. A form validates and saves nothing; the operations have the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

from accounts.errors import DomainError
from publisher import queries, validation
from publisher.endpoint import LIMITS, EndpointOptions
from publisher.lifecycle import Action, Checklist
from publisher.models import Api, Plan
from publisher.validation import BadValue

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


class PageForm(forms.Form):
    """A form that can take up what an operation refused."""

    def take_up(self, error: DomainError) -> None:
        """Show the refusal: each sentence at its field, and what belongs to no field above the form."""
        fields: Mapping[str, str] = getattr(error, "fields", {})
        for name, sentence in fields.items():
            self.add_error(name if name in self.fields else None, sentence)
        if not fields:
            self.add_error(None, str(error))


class GuardedForm(PageForm):
    """A form that knows which state of the design the person had before their eyes."""

    seen = forms.CharField(widget=forms.HiddenInput)

    def clean_seen(self) -> datetime:
        """The moment of the last save that the person saw. Without it nothing is saved: it might go over others."""
        try:
            seen = parse_datetime(self.cleaned_data["seen"])
        except ValueError:
            seen = None
        if seen is None or seen.tzinfo is None:
            raise forms.ValidationError("unreadable")
        return seen

    def clean(self) -> dict[str, Any]:
        """Say above the form what is wrong with a field that nobody sees."""
        if "seen" in self.errors:
            raise forms.ValidationError("This page has lost track of what it edits. Open the page again and repeat it.")
        return super().clean() or self.cleaned_data

    def look_again(self, api: Api) -> None:
        """Let the next save go over what has been saved meanwhile; what was typed stays."""
        sent = cast(QueryDict, self.data).copy()
        sent["seen"] = api.updated_at.isoformat()
        self.data = sent


class CreateForm(PageForm):
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
        _offer_plans(self)


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
        """What the form shows at first."""
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


class EndpointForm(GuardedForm):
    """Production and sandbox addresses, and Endpoint Advanced Configurations."""

    production_url = CleanedField(
        validation.clean_endpoint_url,
        label="Production endpoint",
        required=False,
        help_text="Where calls with production keys go.",
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "url", "placeholder": "ws://host:port/path"}),
    )
    production_failover = forms.CharField(
        label="Production failover",
        required=False,
        help_text="Addresses tried in this order when the one above does not answer, one a line.",
        widget=forms.Textarea(attrs={**PLAIN, "rows": 2}),
    )
    sandbox_url = CleanedField(
        validation.clean_endpoint_url,
        label="Sandbox endpoint",
        required=False,
        help_text="Where calls with sandbox keys go.",
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "url", "placeholder": "ws://host:port/path"}),
    )
    sandbox_failover = forms.CharField(
        label="Sandbox failover",
        required=False,
        help_text="Addresses tried in this order, one a line.",
        widget=forms.Textarea(attrs={**PLAIN, "rows": 2}),
    )
    prevent_suspension = forms.BooleanField(
        label="Prevent suspension",
        required=False,
        help_text="Dial the backend every time, however often it has failed.",
    )
    verify_tls = forms.BooleanField(
        label="Verify the backend's certificate",
        required=False,
        help_text="Leave this on unless the backend is on a network that you trust.",
    )
    ca_certificate = forms.CharField(
        label="Certificate authority to trust",
        required=False,
        help_text="In PEM form, for a backend whose certificate no public authority has signed.",
        widget=forms.Textarea(attrs={**PLAIN, "rows": 4, "placeholder": "-----BEGIN CERTIFICATE-----"}),
    )
    headers = forms.CharField(
        label="Headers for the backend",
        required=False,
        help_text="Added to every handshake with the backend, one a line: X-Backend-Key: value",
        widget=forms.Textarea(attrs={**PLAIN, "rows": 3}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, (help_text, step) in _NUMBERS.items():
            self.fields[name] = forms.FloatField(
                label=LIMITS[name].label,
                help_text=help_text,
                widget=forms.NumberInput(attrs={"min": 0, "max": f"{LIMITS[name].most:g}", "step": step}),
            )

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        """What the form shows at first."""
        options = EndpointOptions.from_document(api.endpoint_options).to_document()
        return {
            **{name: f"{value:g}" if name in LIMITS else value for name, value in options.items()},
            "headers": "\n".join(f"{name}: {value}" for name, value in options["headers"].items()),
            "seen": api.updated_at.isoformat(),
            "production_url": api.production.get("url", ""),
            "production_failover": "\n".join(api.production.get("failover", ())),
            "sandbox_url": api.sandbox.get("url", ""),
            "sandbox_failover": "\n".join(api.sandbox.get("failover", ())),
        }

    def clean_headers(self) -> dict[str, str]:
        """Header lines as names with values."""
        return dict(_header(line) for line in _lines(self.cleaned_data["headers"]))

    def documents(self) -> dict[str, Any]:
        """What the operation takes."""
        sent = self.cleaned_data
        return {
            "production": {"url": sent["production_url"], "failover": _lines(sent["production_failover"])},
            "sandbox": {"url": sent["sandbox_url"], "failover": _lines(sent["sandbox_failover"])},
            "options": {name: sent[name] for name in EndpointOptions().to_document()},
        }

    def advanced_is_wrong(self) -> bool:
        """Whether an error stands in the advanced configuration, so that it has to be open."""
        outside = {"production_url", "production_failover", "sandbox_url", "sandbox_failover", "seen", "__all__"}
        return bool(set(self.errors) - outside)


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
        _offer_plans(self)


class VersionForm(PageForm):
    """A new version of an API."""

    version = CleanedField(
        validation.clean_version, label="New version", widget=forms.TextInput(attrs={**PLAIN, "autofocus": True})
    )
    make_default = forms.BooleanField(
        label="Make it the default version",
        required=False,
        help_text="Once it is deployed, it answers at the context without a version.",
    )


class RevisionForm(PageForm):
    """A revision to make, and to deploy at once where that is asked for."""

    description = forms.CharField(
        label="What has changed",
        required=False,
        max_length=255,
        help_text="For those who look at the list of revisions later.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class TransitionForm(forms.Form):
    """One step of the lifecycle with its check items. Retiring asks for the API's name."""

    action = forms.TypedChoiceField(choices=[(action.value, action.value) for action in Action], coerce=Action)
    deprecate_old_versions = forms.BooleanField(required=False)
    require_resubscription = forms.BooleanField(required=False)
    confirmation = forms.CharField(required=False)

    def __init__(self, *args: Any, api: Api, **options: Any) -> None:
        super().__init__(*args, **options)
        self.api = api

    def clean(self) -> dict[str, Any]:
        """Retiring is final, so the name must have been typed."""
        sent = super().clean() or self.cleaned_data
        if sent.get("action") is Action.RETIRE and sent.get("confirmation") != self.api.name:
            raise forms.ValidationError(f"Type {self.api.name} exactly to retire it. Nothing brings it back.")
        return sent

    def sentences(self) -> list[str]:
        """All that is wrong."""
        return [str(sentence) for errors in self.errors.values() for sentence in errors]

    def checklist(self) -> Checklist:
        """The check items."""
        sent = self.cleaned_data
        return Checklist(sent["deprecate_old_versions"], sent["require_resubscription"])


class DeletionForm(forms.Form):
    """Deleting asks for `word` when applications are subscribed, because nothing brings them back."""

    confirmation = forms.CharField(required=False, widget=forms.TextInput(attrs=PLAIN))

    def __init__(self, *args: Any, word: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.word = word
        self.fields["confirmation"].label = f"Type {word} to go on"

    def clean_confirmation(self) -> str:
        """The word as it was asked for."""
        typed: str = self.cleaned_data["confirmation"]
        if self.word and typed != self.word:
            raise forms.ValidationError(f"Type {self.word} exactly as it stands here.")
        return typed


class TryForm(forms.Form):
    """An endpoint to try, with those advanced options that matter to a handshake."""

    address = CleanedField(validation.clean_endpoint_url)


def in_words(error: BadValue) -> str:
    """The sentence of a refusal; its suggestion is a button that `static/js/check.js` makes work."""
    if not error.suggestion:
        return str(error)
    return format_html(
        '{} Did you mean <button type="button" class="suggestion" data-suggestion>{}</button>?',
        error.sentence,
        error.suggestion,
    )


def _offer_plans(form: forms.Form) -> None:
    field = form.fields["plans"]
    assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101
    field.queryset = queries.all_plans()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise forms.ValidationError(f"Write each header as Name: value. This line has no colon: {line}")
    return name.strip(), value.strip()


_NUMBERS: dict[str, tuple[str, str]] = {
    "connect_timeout": ("Seconds to wait for the backend's handshake.", "any"),
    "idle_timeout": ("Seconds without data or pong before a connection is closed. 0: never.", "any"),
    "maximum_duration": ("Seconds after which a connection is closed in any case. 0: never.", "any"),
    "ping_interval": ("Seconds of silence before either side is pinged. 0: no pings.", "any"),
    "retries": ("How often all addresses are tried again.", "1"),
    "retry_delay": ("Seconds between two tries.", "any"),
    "suspend_after": ("Failures in a row after which the address rests.", "1"),
    "suspend_initial": ("Seconds of the first rest.", "any"),
    "suspend_factor": ("Each further rest is longer by this factor.", "any"),
    "suspend_maximum": ("Seconds that a rest lasts at most.", "any"),
}
