"""The keys of an application, a client that becomes them, and a token of theirs."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.duration_field import DurationField
from devportal import grants, queries, tokens
from devportal.models import (
    LONGEST_TOKEN_NAME,
    Application,
    KeyType,
    OAuthClient,
)
from publisher import scoping


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
