"""The forms of a design: create, runtime, business plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms

from core import text, values
from publisher import impact, queries, validation
from publisher.forms.common import PLAIN, CleanedField, GuardedForm, in_words
from publisher.models import Api
from publisher.origins import clean_origins
from publisher.runtime import KEY_TYPES, LARGEST


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
        widget=forms.TextInput(
            attrs={**PLAIN, "data-check": "context", "data-check-with": "version", "inputmode": "url"}
        ),
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
        queries.all_plans(),
        label="Business Plan(s)",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )


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

    key_types = forms.MultipleChoiceField(
        label="Keys that may call",
        choices=[(each, f"{each.capitalize()} keys") for each in KEY_TYPES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Say which keys may call: production, sandbox or both."},
    )
    message_bytes = forms.IntegerField(
        label="Largest message, in bytes",
        required=False,
        min_value=0,
        max_value=LARGEST,
        help_text="Such as 65536 (64 KiB): a client that sends a larger one is closed with 1009. Its plan may allow "
        "less. 0: what the plan says.",
        widget=forms.NumberInput(attrs={"min": 0, "inputmode": "numeric"}),
    )

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        limits = {"key_types": api.key_types, "message_bytes": api.message_bytes}
        browsers = {"origins": "\n".join(api.origins), "query_token": api.query_token}
        return {**GuardedForm.initial_of(api), **browsers, **limits}

    def clean_message_bytes(self) -> int:
        """Nothing is no limit."""
        return self.cleaned_data["message_bytes"] or 0

    def clean_origins(self) -> list[str]:
        """The origins as browsers write them."""
        try:
            return clean_origins(self.cleaned_data["origins"].splitlines())
        except values.BadValue as error:
            raise forms.ValidationError(in_words(error)) from None


class PlansForm(GuardedForm):
    """The business plans on offer, and what becomes of those who are under one that is withdrawn.

    Where a plan that has subscriptions is left out, the form asks: its field `after_<pk>` is empty (nothing chosen
    yet), KEEP, or the name of another plan.
    """

    KEEP = "keep:"

    plans = forms.ModelMultipleChoiceField(
        queries.all_plans(),
        label="Business plans",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )
    first_plan = forms.ChoiceField(
        label="Try it starts with",
        required=False,
        help_text="The plan of developers who press Try it on the API's page in the Developer Portal and choose none.",
    )

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        plans = {"plans": [plan.name for plan in queries.plans_of(api)], "first_plan": api.first_plan}
        return {**GuardedForm.initial_of(api), **plans}

    def __init__(self, data: Mapping[str, Any] | None = None, *, api: Api) -> None:
        super().__init__(data, api=api)
        in_use = impact.subscriptions_to(api)
        kept, offered = set(self["plans"].value() or []), set(self.initial["plans"])
        plans = queries.all_plans()
        first_plan = cast(forms.ChoiceField, self.fields["first_plan"])
        first_plan.choices = [("", "The largest that needs no approval"), *((each.name, str(each)) for each in plans)]
        withdrawn = [plan for plan in plans if plan.name in offered - kept and in_use[plan.name]]
        self.withdrawn = {f"after_{plan.pk}": plan for plan in withdrawn}
        for field, plan in self.withdrawn.items():
            number = in_use[plan.name]
            them = text.agree(number, "it", "them")
            moves = [(each.name, f"Move {them} to {each} now: {each.summary}") for each in plans if each.name in kept]
            stay = f"Keep {plan}: {text.agree(number, 'it goes', 'they go')} on, and nobody new can choose it"
            self.fields[field] = forms.ChoiceField(
                label=f"{text.count(number, 'subscription')} {text.agree(number, 'is', 'are')} under {plan}",
                choices=[(self.KEEP, stay), *moves],
                widget=forms.RadioSelect,
                error_messages={"required": "Say what becomes of them. Nothing has been saved yet."},
            )
        self.questions = [self[field] for field in self.withdrawn]

    def clean(self) -> dict[str, Any]:
        """What Try it starts with is on offer."""
        given = super().clean() or self.cleaned_data
        first = given.get("first_plan")
        if first and first not in [plan.name for plan in given.get("plans", ())]:
            self.add_error("first_plan", f"{first} is not among the plans above. Tick it there, or choose another.")
        return given

    def edit(self) -> dict[str, Any]:
        """With the plans that take the place of others."""
        chosen = {plan.name: plan for plan in self.cleaned_data["plans"]}
        answers = {plan: self.cleaned_data[field] for field, plan in self.withdrawn.items()}
        successors = {plan: chosen[name] for plan, name in answers.items() if name != self.KEEP}
        changes = {"plans": list(chosen.values()), "first_plan": self.cleaned_data["first_plan"]}
        return {**super().edit(), "changes": changes, "successors": successors}
