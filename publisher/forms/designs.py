"""The forms of a design: create, basic info, business plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from core import text, values
from publisher import queries, validation
from publisher.forms.common import GUARDS, PLAIN, CleanedField, GuardedForm, guards_of, in_words, offer_plans
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
            **guards_of(api),
            "description": api.description,
            "tags": ", ".join(api.tags),
            "context": api.context,
            "is_default_version": api.is_default_version,
        }

    def changes(self) -> dict[str, Any]:
        """What the operation takes."""
        changes = {name: value for name, value in self.cleaned_data.items() if name not in GUARDS}
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
            **guards_of(api),
            "origins": "\n".join(api.origins),
            "query_token": api.query_token,
        }

    def changes(self) -> dict[str, Any]:
        """What the operation takes."""
        return {name: value for name, value in self.cleaned_data.items() if name not in GUARDS}

    def clean_origins(self) -> list[str]:
        """The origins as browsers write them."""
        try:
            return clean_origins(self.cleaned_data["origins"].splitlines())
        except values.BadValue as error:
            raise forms.ValidationError(in_words(error)) from None


class PlansForm(GuardedForm):
    """The business plans on offer, and what becomes of those who are under one that is withdrawn.

    `in_use` counts the subscriptions by the name of their plan. Where a plan that has some is left out, the form asks:
    its field `after_<pk>` is empty (nothing chosen yet), KEEP, or the name of another plan.
    """

    KEEP = "keep:"

    plans = forms.ModelMultipleChoiceField(
        Plan.objects.none(),
        label="Business plans",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        return {**guards_of(api), "plans": [plan.name for plan in queries.plans_of(api)]}

    def __init__(self, *args: Any, in_use: Mapping[str, int], **options: Any) -> None:
        super().__init__(*args, **options)
        offer_plans(self)
        self.in_use = in_use
        self.withdrawn = self._withdrawn() if self.is_bound else []
        for plan in self.withdrawn:
            self.fields[_after(plan)] = self._question(plan)

    def questions(self) -> list[forms.BoundField]:
        """The fields that ask what becomes of somebody."""
        return [self[_after(plan)] for plan in self.withdrawn]

    def successors(self) -> dict[Plan, Plan]:
        """Which plan takes the place of which."""
        chosen = {plan.name: plan for plan in self.cleaned_data["plans"]}
        answers = {plan: self.cleaned_data[_after(plan)] for plan in self.withdrawn}
        return {plan: chosen[name] for plan, name in answers.items() if name != self.KEEP}

    def _withdrawn(self) -> list[Plan]:
        kept = set(self["plans"].value() or [])
        offered = set(self.initial.get("plans", []))
        return [plan for plan in queries.all_plans() if plan.name in offered - kept and self.in_use.get(plan.name)]

    def _question(self, plan: Plan) -> forms.ChoiceField:
        number = self.in_use[plan.name]
        who = text.count(number, "subscription")
        stay = f"Keep {plan}: {text.agree(number, 'it goes', 'they go')} on, and nobody new can choose it"
        kept = [each for each in queries.all_plans() if each.name in set(self["plans"].value() or [])]
        moves = [(each.name, f"Move {text.agree(number, 'it', 'them')} to {each} now: {each.summary}") for each in kept]
        return forms.ChoiceField(
            label=f"{who} {text.agree(number, 'is', 'are')} under {plan}",
            choices=[(self.KEEP, stay), *moves],
            widget=forms.RadioSelect,
            error_messages={"required": "Say what becomes of them. Nothing has been saved yet."},
        )


def _after(plan: Plan) -> str:
    return f"after_{plan.pk}"
