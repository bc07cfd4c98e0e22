"""The form of the Runtime page: who may call, with what, and how much."""

from __future__ import annotations

from typing import Any

from django import forms

from core.size_field import SizeField
from core.values import BadValue
from publisher.forms.common import PLAIN, GuardedForm, in_words
from publisher.models import Api
from publisher.origins import clean_origins
from publisher.plan_terms import OVER_RATE, ExceededAction, QuotaPeriod
from publisher.runtime import (
    EVERY_KEY_MANAGER,
    FASTEST,
    KEY_MANAGERS,
    KEY_TYPES,
    LARGEST,
    OVER_BYTES,
    WORDS,
    ValidationMode,
    clean_pointers,
)

_OVER = {
    ExceededAction.DELAY: "Wait: they are read more slowly",
    ExceededAction.DROP: "Are left out",
    ExceededAction.CLOSE: "End their connection (4003)",
}
_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30


class RuntimeForm(GuardedForm):
    """What is decided while the API is called."""

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
    key_types = forms.MultipleChoiceField(
        label="Keys that may call",
        choices=[(each, f"{each.capitalize()} keys") for each in KEY_TYPES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Say which keys may call: production, sandbox or both."},
    )
    key_managers = forms.MultipleChoiceField(
        label="Key managers",
        choices=[(EVERY_KEY_MANAGER, "All key managers"), *((name, name) for name in KEY_MANAGERS)],
        widget=forms.CheckboxSelectMultiple,
        help_text="Whose tokens are taken. The Resident Key Manager is this installation.",
        error_messages={"required": "Say whose tokens are taken: all key managers, or some."},
    )
    payload_validation = forms.ChoiceField(
        label="Payload validation",
        choices=[
            (ValidationMode.OFF.value, "Off"),
            (ValidationMode.REPORT.value, "Report"),
            (ValidationMode.ENFORCE.value, "Enforce"),
        ],
        help_text="Holds each message against the payload schemas of its topic, in both directions. A topic without "
        "schemas takes everything.",
        widget=forms.RadioSelect,
    )
    message_bytes = SizeField(
        what="The largest message",
        most=LARGEST,
        label="Largest message",
        presets=(64 * _KIB, 256 * _KIB, _MIB),
        help_text="Of a client: who sends a larger one is closed with 1009. Its plan may allow less. 0: what the plan "
        "says.",
    )
    frame_bytes = SizeField(
        what="The largest frame",
        most=LARGEST,
        label="Largest frame",
        presets=(16 * _KIB, 64 * _KIB, 256 * _KIB),
        help_text="Of a client: a message may come in several. 0: as large as a message.",
    )
    message_rate = forms.IntegerField(
        label="Messages a second",
        required=False,
        min_value=0,
        max_value=FASTEST,
        help_text="In both directions, of all applications together: those with production keys, and as many again of "
        "those with sandbox keys. 0: as many as their plans allow.",
        widget=forms.NumberInput(attrs={"min": 0, "inputmode": "numeric"}),
    )
    over_rate = forms.ChoiceField(label="Messages over it", choices=[(each.value, _OVER[each]) for each in OVER_RATE])
    byte_quota = SizeField(
        what="Bytes in a period",
        most=LARGEST,
        label="Bytes",
        presets=(100 * _MIB, _GIB, 10 * _GIB),
        help_text="Of payloads as they are sent, counted like the messages a second. 0: no limit.",
    )
    byte_period = forms.ChoiceField(label="In each", choices=[(each.value, each.capitalize()) for each in QuotaPeriod])
    over_byte_quota = forms.ChoiceField(
        label="Messages over them", choices=[(each.value, _OVER[each]) for each in OVER_BYTES]
    )

    redacted = forms.CharField(
        label="Fields that are never recorded",
        required=False,
        help_text="JSON pointers, one a line: /card/number, or /items/*/price for every element. They are taken out of "
        "payloads before the flight recorder or a payload violation keeps any; what is no JSON is then not kept. "
        "A field that is added here counts at once, without a deployment.",
        widget=forms.Textarea(attrs={**PLAIN, "rows": 4, "placeholder": "/card/number"}),
    )

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        stored = {column: getattr(api, column) for column in WORDS}
        browsers = {"origins": "\n".join(api.origins), "query_token": api.query_token}
        fields = {"redacted": "\n".join(api.redacted)}
        return {**GuardedForm.initial_of(api), **browsers, **stored, **fields}

    def clean_message_rate(self) -> int:
        """Nothing is no limit."""
        return self.cleaned_data["message_rate"] or 0

    def clean_origins(self) -> list[str]:
        """The origins as browsers write them."""
        try:
            return clean_origins(self.cleaned_data["origins"].splitlines())
        except BadValue as error:
            raise forms.ValidationError(in_words(error)) from None

    def clean_redacted(self) -> list[str]:
        """The pointers, each once."""
        try:
            return clean_pointers(self.cleaned_data["redacted"].splitlines())
        except BadValue as error:
            raise forms.ValidationError(in_words(error)) from None
