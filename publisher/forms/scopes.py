"""The form of a scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from accounts.roles import Role
from publisher import scope_terms
from publisher.forms.common import PLAIN, CleanedField
from publisher.forms.seen import SeenForm
from publisher.models import Scope


class ScopeForm(SeenForm):
    """A scope, of an API or shared. An old one keeps its name."""

    name = CleanedField(
        scope_terms.clean_name,
        label="Name",
        help_text="The word that topics and tokens carry, such as chat:write. It stays.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    display_name = CleanedField(
        scope_terms.CLEANERS["display_name"],
        label="Display name",
        required=False,
        help_text="What developers read beside it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    description = CleanedField(
        scope_terms.CLEANERS["description"],
        label="Description",
        required=False,
        help_text="What a token with it may do. People who are asked to allow it read this.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    roles = forms.MultipleChoiceField(
        label="Roles",
        required=False,
        choices=[(role.value, role.value) for role in Role],
        widget=forms.CheckboxSelectMultiple,
        help_text="Who gets it: people with one of these roles, and administrators. None ticked: everybody.",
        error_messages={"invalid_choice": "There is no role %(value)s."},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, scope: Scope | None = None) -> None:
        super().__init__(data, initial=self.initial_of(scope) if scope else {})
        self.is_new = scope is None
        self.fields["name"].disabled = not self.is_new

    @staticmethod
    def initial_of(scope: Scope) -> dict[str, Any]:
        """What the fields hold of a scope as it is stored."""
        held = {name: getattr(scope, name) for name in scope_terms.CLEANERS}
        return {**held, "seen": scope.updated_at.isoformat()}

    def fields_sent(self) -> dict[str, Any]:
        """What the operations are told."""
        return {name: self.cleaned_data[name] for name in scope_terms.CLEANERS}
