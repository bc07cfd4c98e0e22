"""The forms of a design: create, business plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.forms.boundfield import BoundWidget

from core import text
from publisher import impact, queries, validation
from publisher.forms.common import PLAIN, CleanedField, GuardedForm
from publisher.models import Api


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
    mock = forms.BooleanField(
        label="No backend yet: have a mock answer",
        required=False,
        help_text="The gateway then sends back what it is sent, until you write down what else it says.",
    )
    plans = forms.ModelMultipleChoiceField(
        queries.all_plans(),
        label="Business Plan(s)",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_mock(self) -> dict[str, Any]:
        """A mock that is an echo until more is said."""
        return {"is_on": True, "echo": True} if self.cleaned_data["mock"] else {}


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
        self.in_use = in_use

    def offers(self) -> list[tuple[BoundWidget, int]]:
        """The boxes to tick, each with the number of subscriptions under its plan."""
        return [(option, self.in_use[str(option.data["value"])]) for option in self["plans"]]

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
