"""What administrators type: plans, deny policies, service accounts. These forms validate and save nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from accounts.roles import MAY, Role
from devportal.deny_policies import DenyCondition
from publisher.plan_terms import Billing, CountedDirection, ExceededAction, QuotaPeriod, QuotaUnit
from publisher.plan_validation import DESCRIPTION_LENGTH, DISPLAY_NAME_LENGTH, NAME_LENGTH

OFF = {"autocomplete": "off", "spellcheck": "false"}
NOT_WHOLE = {"invalid": "Write a whole number, in digits, or leave it empty for no limit."}
QUOTA_UNITS = {QuotaUnit.MESSAGES: "messages", QuotaUnit.BYTES: "bytes"}
QUOTA_PERIODS = {
    QuotaPeriod.MINUTE: "a minute",
    QuotaPeriod.HOUR: "an hour",
    QuotaPeriod.DAY: "a day",
    QuotaPeriod.MONTH: "a month",
}
COUNTED = {
    CountedDirection.BOTH: "Both directions",
    CountedDirection.CLIENT: "Only what the client sends",
}
OVER_RATE = {
    ExceededAction.DELAY: "Wait (slows the sender down)",
    ExceededAction.DROP: "Drop them",
    ExceededAction.CLOSE: "Close the connection",
}
OVER_QUOTA = {
    ExceededAction.CLOSE: "Close the connection",
    ExceededAction.DROP: "Drop them",
    ExceededAction.PASS: "Let them pass all the same",
}
CONDITIONS = {
    DenyCondition.USER: "A person",
    DenyCondition.APPLICATION: "An application",
    DenyCondition.API: "An API",
    DenyCondition.IP: "An address",
    DenyCondition.IPRANGE: "A range of addresses",
}


def whole_number(label: str, hint: str = "") -> forms.IntegerField:
    """A limit; empty for none."""
    return forms.IntegerField(
        label=label,
        required=False,
        help_text=hint,
        error_messages=NOT_WHOLE,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "numeric"}),
    )


def choice(label: str, words: Mapping[Any, str], hint: str = "") -> forms.ChoiceField:
    """One word of a few."""
    return forms.ChoiceField(label=label, choices=[(word.value, said) for word, said in words.items()], help_text=hint)


class PlanNamesForm(forms.Form):
    """How a plan is called. The name stays for good: it stands in addresses and in what programs send."""

    name = forms.CharField(
        max_length=NAME_LENGTH,
        help_text="Letters, digits and - . _ without spaces: Gold. It stays for good.",
        widget=forms.TextInput(attrs=OFF),
        error_messages={"required": "Give the plan a name."},
    )
    display_name = forms.CharField(
        max_length=DISPLAY_NAME_LENGTH, required=False, help_text="What people see. Left empty, the name."
    )
    description = forms.CharField(
        max_length=DESCRIPTION_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def keep_name(self, name: str) -> None:
        """For a plan that is there: its name is shown and not typed."""
        self.fields["name"].disabled = True
        self.initial["name"] = name


class BusinessPlanForm(PlanNamesForm):
    """Every field of a business plan, named as `publisher.plan_validation` names them."""

    quota = whole_number("Quota", "How much may be sent and received in a period.")
    quota_unit = choice("Of", QUOTA_UNITS)
    quota_period = choice("In", QUOTA_PERIODS)
    counted = choice("What counts", COUNTED)
    over_quota = choice("Messages over the quota", OVER_QUOTA)
    rate = whole_number("Rate", "Messages a second.")
    burst = whole_number("Burst", "Messages at once, at least the rate.")
    over_rate = choice("Messages over the rate", OVER_RATE)
    connections = whole_number("Connections", "Open at the same time, for one subscription.")
    connects = whole_number("New connections a minute")
    message_bytes = whole_number("Largest message", "In bytes: 65536 is 64 KiB.")
    applications = whole_number("Applications of one person", "That may be subscribed to one API.")
    billing = choice("Billing", {Billing.FREE: "Free", Billing.COMMERCIAL: "Commercial"})
    roles = forms.MultipleChoiceField(
        label="Who may choose it",
        choices=[(role.value, role.value) for role in Role],
        required=False,
        help_text="Tick none to let everybody choose it.",
        widget=forms.CheckboxSelectMultiple,
    )
    requires_approval = forms.BooleanField(
        label="A publisher approves each subscription", required=False, help_text="Until then it waits."
    )
    uncompressed = forms.BooleanField(
        label="Decline compression", required=False, help_text="Then bytes are those inside the messages."
    )


class ApplicationPlanForm(PlanNamesForm):
    """A quota that all tokens of an application share."""

    per_minute = whole_number("Messages a minute", "Of all tokens of an application together. Empty: no limit.")


class DenyPolicyForm(forms.Form):
    """Whom to keep out. The operation finds what is named."""

    kind = choice("Keep out", CONDITIONS)
    value = forms.CharField(
        label="Which one",
        max_length=300,
        help_text="carol · carol:Chat client · /echowebsocket/1.0.0 · 192.0.2.7 · 192.0.2.0/24",
        widget=forms.TextInput(attrs=OFF),
        error_messages={"required": "Say whom or what to keep out."},
    )
    invert = forms.BooleanField(
        label="Keep out everybody else", required=False, help_text="For addresses: only these are let in."
    )
    is_active = forms.BooleanField(label="Switched on", required=False, initial=True)


class AttributeForm(forms.Form):
    """What administrators want to know of each application."""

    name = forms.CharField(
        max_length=60,
        help_text="As people read it: Cost centre. It stays for good.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give the attribute a name."},
    )
    description = forms.CharField(
        max_length=300, required=False, help_text="Stands below the field: what to fill in, and what for."
    )
    is_required = forms.BooleanField(
        label="Has to be filled in",
        required=False,
        help_text="Applications that are there are asked when they are saved next.",
    )
    is_hidden = forms.BooleanField(
        label="Hidden", required=False, help_text="Not on pages; programs send and read it over REST."
    )


class ServiceAccountForm(forms.Form):
    """A user that is a program."""

    name = forms.CharField(
        max_length=150,
        help_text="Such as deploy-pipeline. It stands in the audit log.",
        widget=forms.TextInput(attrs=OFF),
        error_messages={"required": "Give the service account a name."},
    )
    roles = forms.TypedMultipleChoiceField(
        coerce=Role,
        choices=[(role.value, MAY[role]) for role in Role],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    may_introspect = forms.BooleanField(
        label="May ask /oauth2/introspect about every token", required=False, help_text="For a resource server."
    )
