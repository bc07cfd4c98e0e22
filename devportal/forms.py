"""What people type into the developer portal. These forms validate and save nothing; operations have the last word."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Viewer
from core.duration_field import DurationField
from devportal import grants, queries, tokens
from devportal.attribute_reads import attributes
from devportal.bootstrap import DEFAULT_APPLICATION_PLAN
from devportal.models import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_TOKEN_NAME,
    Application,
    ApplicationPlan,
    KeyType,
    OAuthClient,
)
from devportal.permissions import can_pick_plan
from devportal.sharing import GIVEN, USUAL, Right
from publisher import scoping
from publisher.models import Api, Plan
from publisher.queries import plans_of

NEW, EXISTING = "new", "existing"


def token_lifetime(label: str | Promise) -> DurationField:
    """How long a token lives."""
    return DurationField(
        label=label,
        what=_("The life of a token"),
        least=1,
        most=settings.LONGEST_TOKEN_SECONDS,
        whole=True,
        presets=[seconds for seconds in (3_600, 86_400, 30 * 86_400) if seconds <= settings.LONGEST_TOKEN_SECONDS],
    )


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


class PlanForm(forms.Form):
    """Which of the API's plans. The `current` one may be kept also when it is offered to nobody new any more."""

    plan = forms.ModelChoiceField(
        label=_("Business plan"),
        queryset=Plan.objects.none(),
        to_field_name="name",
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a plan."),
            "invalid_choice": _("The API is not offered under this plan any more. Choose another."),
        },
    )

    def __init__(self, *args: Any, api: Api, viewer: Viewer, current: Plan | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer, self.current, offered = viewer, current, plans_of(api)
        self.is_withdrawn = current is not None and current not in offered
        self.plans = [current, *offered] if current and self.is_withdrawn else offered
        plan = model_choice(self, "plan")
        plan.queryset = Plan.objects.filter(pk__in=[each.pk for each in self.plans])
        allowed = [each for each in self.plans if each == current or can_pick_plan(viewer, each)]
        plan.initial = current.name if current else allowed[0].name if allowed else None

    def options(self) -> list[dict[str, Any]]:
        """What the page shows of each plan, and whether the viewer may choose it."""
        chosen = self["plan"].value()
        return [
            {
                "plan": each,
                "chosen": each.name == chosen,
                "allowed": each == self.current or can_pick_plan(self.viewer, each),
                "is_current": each == self.current,
            }
            for each in self.plans
        ]


class KeysForm(forms.Form):
    """What keys may do, and how long their tokens live."""

    grant_types = forms.MultipleChoiceField(
        label=_("Grant types"),
        choices=[(grant.name, grant.label) for grant in grants.GRANTS],
        initial=[grants.CLIENT_CREDENTIALS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose client credentials or authorization code.")},
    )
    callback_url = forms.CharField(
        label=_("Callback URLs"),
        required=False,
        max_length=2000,
        help_text=_(
            "One a line: where people are sent back to after they agreed. Authorization code needs one. "
            "A program on somebody's device may use its own scheme: com.example.app:/callback."
        ),
        error_messages={
            "required": _("The authorization code grant sends people back to a callback URL. Enter it."),
            "max_length": _("Callback URLs have at most %(limit_value)d characters together."),
        },
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "https://example.com/callback", "autocomplete": "off"}),
    )
    token_seconds = token_lifetime(_("Access tokens live for"))

    def __init__(self, *args: Any, client: OAuthClient | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("token_seconds", tokens.life_of(client) if client else settings.ACCESS_TOKEN_SECONDS)
        if client:
            self.initial.setdefault("grant_types", client.grant_types)
            self.initial.setdefault("callback_url", "\n".join(client.redirect_uris.split()))
        # The page shows the field only beside the grant that needs it.
        needed = grants.AUTHORIZATION_CODE in (self["grant_types"].value() or [])
        self.fields["callback_url"].required = needed or not self.is_bound

    def grants(self) -> list[dict[str, Any]]:
        """The grants with their hints, and which are chosen."""
        chosen = self["grant_types"].value() or []
        return [
            {"name": each.name, "label": _(each.label), "hint": _(each.hint), "chosen": each.name in chosen}
            for each in grants.GRANTS
        ]


class WizardKeysForm(KeysForm):
    """The wizard's third step: of which type, and as in KeysForm if they do not exist yet."""

    key_type = forms.ChoiceField(
        label=_("Key type"),
        choices=KeyType.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose production or sandbox."),
            "invalid_choice": _("Choose production or sandbox."),
        },
    )

    def __init__(self, *args: Any, existing: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.existing = existing
        self.initial.setdefault("key_type", KeyType.PRODUCTION)
        if self.reuses:
            for name in ("grant_types", "callback_url", "token_seconds"):
                self.fields[name].required = False

    @property
    def reuses(self) -> bool:
        """Whether keys of the chosen type exist already, so that the other fields do not matter."""
        return self["key_type"].value() in self.existing


class MappingForm(forms.Form):
    """A client that was registered before, to become the keys of an application."""

    client_id = forms.CharField(
        label=_("Consumer key"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Enter the consumer key of the client.")},
    )
    secret = forms.CharField(
        label=_("Consumer secret"),
        max_length=200,
        help_text=_("It shows that the client is yours."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Enter a secret of the client.")},
    )


class MemberForm(forms.Form):
    """With whom to share an application, and for what."""

    name = forms.CharField(
        label=_("User name or e-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Say with whom.")},
    )
    right = forms.TypedChoiceField(
        label=_("What they may do"),
        coerce=lambda value: Right(int(value)),
        choices=[(right.value, label) for right, label in GIVEN.items()],
        initial=USUAL,
        error_messages={"required": _("Choose what they may do."), "invalid_choice": _("Choose what they may do.")},
    )


class TokenForm(forms.Form):
    """What a token is called, what it may do, and how long it lives."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=LONGEST_TOKEN_NAME,
        help_text=_("Where the token is used, so that you find it again in the list."),
        error_messages={
            "max_length": _("A token's name has at most %(limit_value)d characters; this one has %(show_value)d.")
        },
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("Chat on the web shop")}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        initial=[queries.DEFAULT_SCOPE],
        help_text=_("What the token may be used for. Topics of an API may ask for a scope of their own."),
        error_messages={"invalid_choice": _("%(value)s cannot be asked for here.")},
    )
    seconds = token_lifetime(_("Valid for"))

    def __init__(self, *args: Any, client: OAuthClient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("seconds", tokens.life_of(client))
        scopes = cast(forms.MultipleChoiceField, self.fields["scopes"])
        scopes.choices = [(scope, scope) for scope in queries.scopes_of(cast(Application, client.application))]
        self.descriptions = scoping.descriptions_of(name for name, _ in scopes.choices)


def model_choice(form: forms.Form, name: str) -> "forms.ModelChoiceField[Any]":
    """The field `name` of `form`, which is declared as a choice among rows."""
    return cast("forms.ModelChoiceField[Any]", form.fields[name])
