"""A form with one of each kind of field."""

from django import forms

from core.duration_field import DurationField


class ApiForm(forms.Form):
    """The fields of a new API."""

    name = forms.CharField(help_text="What developers see in the catalogue. Letters, digits, spaces, - and _.")
    context = forms.CharField()
    version = forms.CharField(initial="1.0.0")
    endpoint = forms.CharField(required=False, initial="ws://localhost:9900/echo")
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    kind = forms.ChoiceField(choices=[("jwt", "JWT"), ("oauth", "OAuth")])
    life = DurationField(
        what="A token's life", label="Tokens live for", least=1, most=31_536_000, presets=(3_600, 86_400)
    )
    plans = forms.MultipleChoiceField(
        choices=[("gold", "Gold"), ("silver", "Silver"), ("bronze", "Bronze"), ("unlimited", "Unlimited")],
        widget=forms.CheckboxSelectMultiple,
        help_text="What a subscriber may choose.",
    )
    default = forms.BooleanField(required=False, label="Default version", help_text="Answers without a version, too.")

    def clean_context(self) -> str:
        """Refuse blanks as the product does."""
        context: str = self.cleaned_data["context"]
        if " " in context:
            raise forms.ValidationError(f"A context cannot contain a space. Did you mean {context.replace(' ', '-')}?")
        return context
