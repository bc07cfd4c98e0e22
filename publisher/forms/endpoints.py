"""The endpoint page with its Endpoint Advanced Configurations; one module, for it is one page that is saved as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from core.duration_field import DurationField
from core.errors import Invalid
from publisher import mock, validation
from publisher.endpoint import HIDDEN, OPTION_BOUNDS, EndpointOptions, read_options
from publisher.forms.common import PLAIN, CleanedField, GuardedForm
from publisher.models import Api
from publisher.secret_options import hidden


class HeadersField(forms.CharField):
    """Headers as lines of `Name: value`; clean, they are values by name."""

    def clean(self, value: Any) -> Any:
        """Raises ValidationError for a line without a colon and for a name that stands there twice."""
        pairs = []
        for line in _lines(super().clean(value)):
            name, colon, text = line.partition(":")
            if not colon:
                raise forms.ValidationError(f"Write each header as Name: value. This line has no colon: {line}")
            pairs.append((name.strip(), text.strip()))
        names = [name.lower() for name, _ in pairs]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise forms.ValidationError(f"{twice} stands here twice. Give it once, with commas between its values.")
        return dict(pairs)


class ParametersField(forms.CharField):
    """Parameters of an address as lines of `name=value`; clean, they are values by name."""

    def clean(self, value: Any) -> Any:
        """Raises ValidationError for a line without a sign of equality and for a name that stands there twice."""
        lines = _lines(super().clean(value))
        pairs = {name.strip(): text.strip() for name, _, text in (line.partition("=") for line in lines)}
        if bad := next((line for line in lines if "=" not in line), ""):
            raise forms.ValidationError(f"Write each parameter as name=value. This line has no = in it: {bad}")
        if len(pairs) < len(lines):
            raise forms.ValidationError("A name stands here twice. Give each parameter once.")
        return pairs


def _area(
    label: str, help_text: str, *, rows: int, placeholder: str = "", kind: type[forms.CharField] = forms.CharField
) -> forms.CharField:
    """Lines that may be left out, as they are typed."""
    shown = {**PLAIN, "rows": rows, **({"placeholder": placeholder} if placeholder else {})}
    return kind(label=label, help_text=help_text, required=False, widget=forms.Textarea(attrs=shown))


class EndpointForm(GuardedForm):
    """Production and sandbox addresses, and Endpoint Advanced Configurations."""

    production_url = CleanedField(
        validation.clean_endpoint_url,
        label="Production endpoint",
        required=False,
        help_text="Where calls with production keys go.",
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "url", "placeholder": "ws://host:port/path"}),
    )
    production_failover = _area(
        "Production failover",
        "Addresses tried in this order when the one above does not answer, one a line.",
        rows=2,
    )
    sandbox_url = CleanedField(
        validation.clean_endpoint_url,
        label="Sandbox endpoint",
        required=False,
        help_text="Where calls with sandbox keys go.",
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "url", "placeholder": "ws://host:port/path"}),
    )
    sandbox_failover = _area(
        "Sandbox failover",
        "Addresses tried in this order, one a line.",
        rows=2,
    )
    mock_is_on = forms.BooleanField(
        label="Answer with a mock",
        required=False,
        help_text="The gateway then answers by itself, instead of the addresses above, until this is switched off.",
    )
    mock_on_connect = _area(
        "On connecting",
        "Messages for whoever connects, one a line. @name sends an example of the message of that name.",
        rows=2,
        placeholder='{"type": "welcome"}',
    )
    mock_replies = _area(
        "Replies",
        "What => message, one a line; the first that fits answers. What is a text, a member of a JSON "
        "object with its value, @name for what fits the schema of that message, or * for any. ${member} is what was "
        "sent; @name(id) is an example with the id that was sent.",
        rows=3,
        placeholder='type=join => {"type": "joined", "room": "${room}"}',
    )
    mock_echo = forms.BooleanField(
        label="Send back what no reply fits",
        required=False,
        help_text="As an echo, byte for byte.",
    )
    mock_in_turn = _area(
        "Again and again",
        "Messages sent one after the other, for ever, one a line.",
        rows=2,
        placeholder='{"price": 101}',
    )
    mock_script = _area(
        "Script",
        "Done line after line from the moment of connecting: send MESSAGE, burst NUMBER MESSAGE, "
        "pause SECONDS, close CODE REASON, and repeat as the last line.",
        rows=4,
        placeholder="burst 10 tick\npause 2\nclose 1000 bye",
    )
    prevent_suspension = forms.BooleanField(
        label="Prevent suspension",
        required=False,
        help_text="Dial the backend every time, however often it has failed.",
    )
    pass_refusals = forms.BooleanField(
        label="Pass the backend's refusals on",
        required=False,
        help_text="A client then gets the backend's own 401, 403, 404, 429 or 503 and its Retry-After. Otherwise it "
        "gets 502, with the backend's status in the description.",
    )
    signed_identity = forms.BooleanField(
        label="Sign who calls",
        required=False,
        help_text="The backend then gets X-APIM-Identity, a JWT that says who calls and under which plan. It verifies "
        "it with the keys at /oauth2/jwks.",
    )
    verify_tls = forms.BooleanField(
        label="Verify the backend's certificate",
        required=False,
        help_text="Leave this on unless the backend is on a network that you trust.",
    )
    ca_certificate = _area(
        "Certificate authority to trust",
        "In PEM form, for a backend whose certificate no public authority has signed.",
        rows=4,
        placeholder="-----BEGIN CERTIFICATE-----",
    )
    headers = _area(
        "Headers for the backend",
        "Added to every handshake with the backend, one a line: X-Client: gateway. Whoever sees this page reads them.",
        rows=3,
        kind=HeadersField,
    )
    secret_headers = _area(
        "Secret headers for the backend",
        "The same for keys and passwords: X-Backend-Key: value. The values are kept encrypted and nobody "
        f"reads them back; {HIDDEN} keeps the one that is stored.",
        rows=2,
        kind=HeadersField,
    )

    client_certificate = _area(
        "Client certificate",
        "In PEM form, with its chain, for a backend that asks who calls (mutual TLS).",
        rows=3,
        placeholder="-----BEGIN CERTIFICATE-----",
    )
    secret_key = _area(
        "Private key of the client certificate",
        "In PEM form, without a password. It is kept encrypted and nobody reads it back; "
        f"{HIDDEN} keeps the one that is stored.",
        rows=3,
        placeholder="-----BEGIN PRIVATE KEY-----",
    )
    host = forms.CharField(
        label="Host header",
        required=False,
        help_text="Sent in place of the host in the address, such as backend.example.com or with :port.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    server_name = forms.CharField(
        label="Server name in TLS (SNI)",
        required=False,
        help_text="Asked for in place of the host in the address; the backend's certificate must have this name then.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    secret_query = _area(
        "Secret parameters in the address",
        "Added to every address that is dialled, one a line: api_key=value. What a client sends under the "
        f"same name is left out. The values are kept like secret headers; {HIDDEN} keeps the one that is stored.",
        rows=2,
        kind=ParametersField,
    )
    token_url = forms.CharField(
        label="Token address",
        required=False,
        help_text="The gateway fetches a token here with client credentials (OAuth 2), shows it to the backend as "
        "Authorization: Bearer, and renews it before it ends.",
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "url", "placeholder": "https://login.example.com/token"}),
    )
    token_client = forms.CharField(label="Client id", required=False, widget=forms.TextInput(attrs=PLAIN))
    token_secret = forms.CharField(
        label="Client secret",
        required=False,
        help_text=f"Kept encrypted; {HIDDEN} keeps the one that is stored.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    token_scope = forms.CharField(
        label="Scopes",
        required=False,
        help_text="Asked for with the token, with blanks between them.",
        widget=forms.TextInput(attrs=PLAIN),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, api: Api | None = None) -> None:
        super().__init__(data, api=api)
        for name, help_text in _DURATIONS.items():
            limits = OPTION_BOUNDS[name]
            self.fields[name] = DurationField(
                what=limits.label,
                least=limits.least,
                most=limits.most,
                may_be_off=limits.may_be_off,
                label=limits.label,
                help_text=help_text,
            )
        self.fields["mock_every"] = DurationField(
            what="This",
            least=mock.SHORTEST,
            most=mock.LONGEST,
            may_be_off=True,
            required=False,
            label="Pause between them",
            help_text="0: never.",
        )
        for name, (help_text, step) in _NUMBERS.items():
            self.fields[name] = forms.FloatField(
                label=OPTION_BOUNDS[name].label,
                help_text=help_text,
                widget=forms.NumberInput(attrs={"min": 0, "max": f"{OPTION_BOUNDS[name].most:g}", "step": step}),
            )

    @staticmethod
    def initial_of(api: Api) -> dict[str, Any]:
        options = EndpointOptions.from_document(hidden(api.endpoint_options)).to_document()
        return {
            **{name: f"{value:g}" if name in _NUMBERS else value for name, value in options.items()},
            "headers": "\n".join(f"{name}: {value}" for name, value in options["headers"].items()),
            "secret_headers": "\n".join(f"{name}: {value}" for name, value in options["secret_headers"].items()),
            "secret_query": "\n".join(f"{name}={value}" for name, value in options["secret_query"].items()),
            **{
                f"mock_{name}": "\n".join(value) if name in mock.LISTS else value
                for name, value in {**mock.OFF, **api.mock}.items()
            },
            **GuardedForm.initial_of(api),
            "production_url": api.production.get("url", ""),
            "production_failover": "\n".join(api.production.get("failover", ())),
            "sandbox_url": api.sandbox.get("url", ""),
            "sandbox_failover": "\n".join(api.sandbox.get("failover", ())),
        }

    def clean(self) -> dict[str, Any]:
        """Where a field is wrong already, say at once what is wrong with the others: the operation is not reached."""
        cleaned = super().clean()
        if self.errors:
            known = EndpointOptions().to_document()
            try:
                read_options({key: self.cleaned_data[key] for key in known if key in self.cleaned_data})
            except Invalid as error:
                for name, sentence in error.fields.items():
                    self.add_error(name, sentence)
        return cleaned

    def edit(self) -> dict[str, Any]:
        """With the fields in their documents."""
        sent = self.cleaned_data
        documents = {
            "production": {"url": sent["production_url"], "failover": _lines(sent["production_failover"])},
            "sandbox": {"url": sent["sandbox_url"], "failover": _lines(sent["sandbox_failover"])},
            "mock": {
                **{name: sent[f"mock_{name}"] for name in ("is_on", "echo")},
                **{name: _lines(sent[f"mock_{name}"]) for name in mock.LISTS},
                "every": sent["mock_every"] or 0,
            },
            "endpoint_options": {name: sent[name] for name in EndpointOptions().to_document()},
        }
        return {**super().edit(), "changes": documents}


class TryForm(forms.Form):
    """An endpoint to try, with those advanced options that matter to a handshake."""

    address = CleanedField(validation.clean_endpoint_url)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


_DURATIONS: dict[str, str] = {
    "connect_timeout": "How long to wait for the backend's handshake.",
    "idle_timeout": "How long there may be no data and no pong before a connection is closed. 0: for ever.",
    "maximum_duration": "After this time a connection is closed in any case. 0: never.",
    "ping_interval": "After this much silence either side is pinged. 0: never.",
    "retry_delay": "How long to wait between two tries.",
    "suspend_initial": "How long the first rest lasts.",
    "suspend_maximum": "How long a rest lasts at most.",
}
_NUMBERS: dict[str, tuple[str, str]] = {
    "retries": ("How often all addresses are tried again.", "1"),
    "suspend_after": ("Failures in a row after which the address rests.", "1"),
    "suspend_factor": ("Each further rest is longer by this factor.", "any"),
}
