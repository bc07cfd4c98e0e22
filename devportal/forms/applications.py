"""An application: a new one, an old one's new description, and what administrators want to know of each."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from devportal import queries
from devportal.attribute_reads import attributes
from devportal.bootstrap import DEFAULT_APPLICATION_PLAN
from devportal.forms.common import model_choice
from devportal.models import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    Application,
    ApplicationPlan,
)

NEW, EXISTING = "new", "existing"


class AskedForm(forms.Form):
    """What administrators want to know of each application: all of it, or only what has to be filled in."""

    only_required = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        answers = self.initial.get("attributes", {})
        wanted = attributes().filter(is_hidden=False, **({"is_required": True} if self.only_required else {}))
        self.asked = {f"attribute_{row.pk}": row for row in wanted}
        for key, row in self.asked.items():
            self.fields[key] = forms.CharField(
                label=row.name,
                help_text=row.description,
                required=row.is_required,
                max_length=300,
                initial=answers.get(row.name, ""),
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
                error_messages={"required": _("%(name)s is asked for by your administrators.") % {"name": row.name}},
            )

    def more(self) -> list[forms.BoundField]:
        """The fields of what administrators want to know, for the page."""
        return [self[key] for key in self.asked]

    def clean(self) -> dict[str, Any] | None:
        """The attributes, those that say something, as the operation takes them."""
        values = {row.name: self.cleaned_data.pop(key, "").strip() for key, row in self.asked.items()}
        self.cleaned_data["attributes"] = {name: value for name, value in values.items() if value}
        return self.cleaned_data


class StartForm(AskedForm):
    """What Try it has to ask before it makes an application."""

    only_required = True


class ApplicationForm(AskedForm):
    """A new application, or an old one's new description."""

    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        error_messages={
            "required": _("Give the application a name, so that you find it again."),
            "max_length": _("A name has at most %(limit_value)d characters; this one has %(show_value)d."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("Chat client")}),
    )
    plan = forms.ModelChoiceField(
        label=_("Shared quota"),
        queryset=ApplicationPlan.objects.none(),
        to_field_name="name",
        empty_label=None,
        help_text=_("What all tokens of the application may send together."),
        error_messages={
            "required": _("Choose a shared quota."),
            "invalid_choice": _("There is no such quota any more. Choose another."),
        },
    )
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=LONGEST_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "max_length": _("A description has at most %(limit_value)d characters; this one has %(show_value)d.")
        },
    )
    token_type = forms.ChoiceField(
        label=_("Token type"),
        choices=Application.TokenType.choices,
        initial=Application.TokenType.JWT,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose JWT or OAuth."), "invalid_choice": _("Choose JWT or OAuth.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plan = model_choice(self, "plan")
        plan.queryset = queries.application_plans()
        plan.initial = DEFAULT_APPLICATION_PLAN


class OwnApplication(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the viewer's own applications."""

    def to_python(self, value: Any) -> Application | None:
        """The application; text that is no id at all names none."""
        try:
            chosen: Application | None = super().to_python(value)
        except forms.ValidationError:
            raise forms.ValidationError(self.error_messages["invalid_choice"]) from None
        return chosen


class WizardApplicationForm(ApplicationForm):
    """The wizard's first step: a new application, or one of the viewer's own."""

    which = forms.ChoiceField(choices=[(NEW, _("A new application")), (EXISTING, _("One of mine"))], initial=NEW)
    application = OwnApplication(
        label=_("Application"),
        queryset=Application.objects.none(),
        required=False,
        empty_label=_("Choose…"),
        error_messages={"invalid_choice": _("You have no such application. It may have been deleted.")},
    )

    def __init__(self, *args: Any, mine: QuerySet[Application], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        model_choice(self, "application").queryset = mine
        if self.wants_existing:
            for name in ("name", "plan", "token_type", *self.asked):
                self.fields[name].required = False

    @property
    def wants_existing(self) -> bool:
        """Whether one of the viewer's own applications is to be used."""
        return bool(self["which"].value() == EXISTING)

    def clean(self) -> dict[str, Any] | None:
        """An application has to be chosen where one is to be used."""
        super().clean()
        if self.wants_existing and not self.cleaned_data.get("application") and "application" not in self.errors:
            self.add_error("application", _("Choose one of your applications, or create a new one."))
        return self.cleaned_data
