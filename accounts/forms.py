"""The forms of accounts, one module since most are a few fields of the same kinds. They check, and save nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.attempts import person_of
from accounts.models import InstallationSettings, User
from accounts.passkeys import MOST_BYTES
from accounts.roles import Role

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NAME_RULE = _("Letters, digits and @ . + - _")
PASSWORD_RULE = _("At least 8 characters, not a common word and not your name.")
NO_ADDRESS = _("This is not an e-mail address. It looks like name@example.org.")
NAME_ATTRS = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}


def password_field(label: StrOrPromise, *, autocomplete: str, **options: Any) -> forms.CharField:
    """A password: kept as typed, blanks included, and never sent back to the browser."""
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, max_length=512, widget=widget, **options)


class SignInForm(forms.Form):
    """Name and password. Which of the two was wrong is nobody's business, so one sentence answers both."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        widget=forms.TextInput(attrs=NAME_ATTRS),
        error_messages={"required": _("Type your username.")},
    )
    password = password_field(
        _("Password"), autocomplete="current-password", error_messages={"required": _("Type your password.")}
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        self.user: User | None = None
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any] | None:
        """Ask the backends; the same sentence and about the same time for every reason to refuse."""
        data = self.cleaned_data
        if data.get("username") and data.get("password"):
            self.user = person_of(
                self.request, username=data["username"], password=data["password"], second_step_follows=True
            )
            if self.user is None:
                raise forms.ValidationError(_("Username or password is not right. Check both and try again."))
        return data


class AnswerForm(forms.Form):
    """The field `typed`, or what a passkey has signed in its place; `missing` is said where neither is there."""

    typed: ClassVar[str]
    missing: ClassVar[StrOrPromise]
    credential = forms.CharField(max_length=MOST_BYTES, required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """One of the two is there."""
        if not self.errors and not any(self.cleaned_data.values()):
            self.add_error(self.typed, self.missing)
        return self.cleaned_data


class SecondStepForm(AnswerForm):
    """A code of the app, or one for whoever has lost it. The operation checks it."""

    typed, missing = "code", _("Type the code.")
    code = forms.CharField(
        label=_("Code"),
        max_length=60,
        required=False,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class ConfirmationForm(AnswerForm):
    """The password once more."""

    typed, missing = "password", _("Type your password.")
    password = password_field(_("Password"), autocomplete="current-password", required=False)


class AppForm(forms.Form):
    """The first code of a new authenticator app. The operation checks it."""

    code = forms.CharField(
        label=_("Code that the app shows"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={"required": _("Type the six digits that the app shows.")},
    )


class PasskeyForm(forms.Form):
    """A passkey that was just made, and what it is called. The operation checks both."""

    name = forms.CharField(max_length=60, required=False)
    credential = forms.CharField(max_length=MOST_BYTES, required=False, widget=forms.HiddenInput)


class SignUpForm(forms.Form):
    """What a developer gives to get an account. The operation checks the name and the password."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        widget=forms.TextInput(attrs=NAME_ATTRS),
        help_text=NAME_RULE,
        error_messages={"required": _("Choose a username.")},
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"invalid": NO_ADDRESS},
    )
    password = password_field(
        _("Password"),
        autocomplete="new-password",
        help_text=PASSWORD_RULE,
        error_messages={"required": _("Choose a password.")},
    )


class AcceptanceForm(SignUpForm):
    """The name and the password of somebody who was invited. The operation checks both."""

    email = None  # type: ignore[assignment]  # the invited one


class ChangePasswordForm(forms.Form):
    """The current password and a new one. The operation checks both."""

    current_password = password_field(
        _("Current password"),
        autocomplete="current-password",
        error_messages={"required": _("Type the password you have now.")},
    )
    new_password = password_field(
        _("New password"),
        autocomplete="new-password",
        help_text=PASSWORD_RULE,
        error_messages={"required": _("Choose a new password.")},
    )


def roles_field() -> forms.TypedMultipleChoiceField:
    """Roles to tick; none is an answer too."""
    return forms.TypedMultipleChoiceField(
        coerce=Role,
        choices=[(role.value, role.value) for role in Role],
        required=False,
        error_messages={"invalid_choice": "There is no role called %(value)s. Tick those that the page shows."},
    )


class NewUserForm(forms.Form):
    """An account for somebody else. The operation checks the name; the password is made for them."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        widget=forms.TextInput(attrs={**NAME_ATTRS, "autocomplete": "off"}),
        help_text=NAME_RULE,
        error_messages={"required": _("Give the account a username.")},
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": NO_ADDRESS},
    )
    roles = roles_field()


class InvitationForm(forms.Form):
    """Whom to invite, and what they shall be allowed to do. The operation checks both."""

    email = forms.EmailField(
        label=_("E-mail"),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "Type the address to invite.",
            "invalid": NO_ADDRESS,
        },
    )
    roles = roles_field()


class RolesForm(forms.Form):
    """The roles that somebody shall hold, those that were seen, and whether what it ends was read."""

    roles = roles_field()
    seen = roles_field()
    consented = forms.BooleanField(required=False)


class ProfileForm(forms.Form):
    """How other people see this account."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"invalid": NO_ADDRESS},
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        choices=[("", "UTC"), *((name, name.replace("_", " ")) for name in sorted(available_timezones()))],
        help_text=_("In which exact times are written."),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=lambda: [("", _("As my browser says")), *settings.LANGUAGES],
        help_text=_("Of the Developer Portal and of e-mails. The Publisher and the Administration are in English."),
    )


class AuditLogForm(forms.Form):
    """Which entries of the audit log are wanted."""

    actor = forms.CharField(max_length=150, required=False)
    kind = forms.CharField(max_length=24, required=False)
    verb = forms.CharField(max_length=48, required=False)
    object_id = forms.CharField(label="Id", max_length=64, required=False)
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    before = forms.IntegerField(required=False, min_value=1, max_value=(1 << 63) - 1, widget=forms.HiddenInput)


class InstallationForm(forms.Form):
    """What may be changed while the product runs."""

    sign_up = forms.ChoiceField(
        label="Who gets an account in the Developer Portal",
        choices=InstallationSettings.SignUp.choices,
        widget=forms.RadioSelect,
    )
    approve_applications = forms.BooleanField(
        label="Approve new applications",
        required=False,
        help_text="Until an administrator has approved an application, no keys can be generated for it.",
    )
    approve_keys = forms.BooleanField(
        label="Approve production keys",
        required=False,
        help_text="Until an administrator has approved them, no token is issued for them. Sandbox keys work at once.",
    )
    approve_steps = forms.MultipleChoiceField(
        label="Approve steps in the lives of APIs",
        choices=lambda: [(step, step) for step in settings.LIFECYCLE_ACTIONS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="A publisher asks for such a step, and it happens when an administrator approves it.",
    )
    anonymous_browsing = forms.BooleanField(
        label="Show the catalogue to people who have not signed in",
        required=False,
        help_text="Otherwise the Developer Portal, and its REST API, ask everybody to sign in first.",
    )
    second_factor_needed = forms.BooleanField(
        label="Publishers and administrators need a second factor",
        required=False,
        help_text="Whoever may enter the Publisher or the Administration sets one up before anything else opens.",
    )
    notice = forms.CharField(
        label="Notice on every page",
        max_length=300,
        required=False,
        help_text="Such as: maintenance on Sunday from 6 to 7 UTC. Empty for none.",
    )


class ForgottenPasswordForm(forms.Form):
    """Who has forgotten their password."""

    said = forms.CharField(
        label=_("Username or e-mail"),
        max_length=254,
        widget=forms.TextInput(attrs=NAME_ATTRS),
        error_messages={"required": _("Type your username, or the address that you have confirmed.")},
    )


class NewPasswordForm(forms.Form):
    """A password in place of a forgotten one. The operation checks it."""

    new_password = password_field(
        _("New password"),
        autocomplete="new-password",
        help_text=PASSWORD_RULE,
        error_messages={"required": _("Choose a new password.")},
    )


class DeleteAccountForm(forms.Form):
    """The password of somebody who wants to go for good."""

    password = password_field(
        _("Password"), autocomplete="current-password", error_messages={"required": _("Type your password.")}
    )
