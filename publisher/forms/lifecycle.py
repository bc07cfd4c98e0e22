"""The forms of delivering an API: versions, revisions, transitions, deletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms

from publisher import queries, validation
from publisher.forms.common import PLAIN, CleanedField
from publisher.lifecycle import Action, State
from publisher.models import Api, Revision


class VersionForm(forms.Form):
    """A new version of an API."""

    version = CleanedField(
        validation.clean_version, label="New version", widget=forms.TextInput(attrs={**PLAIN, "autofocus": True})
    )
    make_default = forms.BooleanField(
        label="Make it the default version",
        required=False,
        help_text="Once it is deployed, it answers at the context without a version.",
    )


class RevisionForm(forms.Form):
    """A revision to make, and to deploy at once where that is asked for."""

    description = forms.CharField(
        label="What has changed",
        required=False,
        max_length=255,
        help_text="For those who look at the list of revisions later.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    goes = forms.ModelChoiceField(
        Revision.objects.none(),
        label="The revision that goes",
        required=False,
        error_messages={"invalid_choice": "This revision is gone or deployed by now. Choose which one goes."},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, api: Api) -> None:
        super().__init__(data)
        self.fields["goes"].queryset = queries.who_goes(api)  # type: ignore[attr-defined]


class TransitionForm(forms.Form):
    """One step of the lifecycle with its check items, and the state it was decided in. Retiring asks for the name."""

    action = forms.TypedChoiceField(choices=[(action.value, action.value) for action in Action], coerce=Action)
    seen = forms.TypedChoiceField(
        choices=[(state.value, state.label) for state in State],
        coerce=State,
        error_messages={"required": "The page did not say which state you saw. Open Lifecycle again."},
    )
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


class BulkForm(forms.Form):
    """One action for several APIs, each named with the state that the person saw: `<id> <STATE>`."""

    action = forms.TypedChoiceField(
        choices=[(action.value, action.value) for action in Action],
        coerce=Action,
        error_messages={"required": "Choose what is to be done."},
    )
    apis = forms.TypedMultipleChoiceField(
        error_messages={
            "required": "Tick the APIs that it is to be done to.",
            "invalid_choice": "One of these APIs is not there any more. Choose again.",
        }
    )
    confirmation = forms.CharField(required=False)

    def __init__(self, data: Mapping[str, Any], *, known: Iterable[str]) -> None:
        super().__init__(data)
        states = [state.value for state in State]
        cast(Any, self.fields["apis"]).choices = [(f"{pk} {state}",) * 2 for pk in known for state in states]

    def chosen(self) -> dict[str, State]:
        """The state in which each API was seen, by its id."""
        return {pk: State(state) for pk, _, state in (word.partition(" ") for word in self.cleaned_data["apis"])}


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
