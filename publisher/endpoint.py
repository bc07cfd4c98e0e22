"""An API's backend as documents and as values; one module, for its options and their readers are one table. Pure.

The documents are what `Api.production`, `Api.sandbox` and `Api.endpoint_options` store and what a revision's
snapshot carries. `read_*` checks what a person sent; `from_document` trusts what was stored.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from core.values import BadValue, invalid, refuse
from publisher.uris import ascii_url, is_host
from publisher.validation import clean_endpoint_url, clean_switch

MAXIMUM_FAILOVER, MAXIMUM_HEADERS, MAXIMUM_CERTIFICATE = 5, 20, 64 * 1024
DAY = 24 * 3600.0
HIDDEN = "********"
"""Stands for the value of a secret header wherever people read it; sent back, it keeps what is stored."""
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2
_GATEWAY_HEADERS = frozenset(
    {"host", "connection", "upgrade", "content-length", "transfer-encoding", "te", "trailer", "keep-alive", "forwarded"}
)
_GATEWAY_PREFIXES = ("sec-websocket-", "proxy-", "x-forwarded-", "x-apim-")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A primary address and those tried in order after it."""

    url: str
    failover: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Endpoint | None:
        """What was stored; None where the API has no such endpoint."""
        if not document.get("url"):
            return None
        return cls(url=document["url"], failover=tuple(document.get("failover", ())))

    def to_document(self) -> dict[str, Any]:
        return {"url": self.url, "failover": list(self.failover)}

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses in the order in which they are dialled."""
        return (self.url, *self.failover)


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """The advanced configuration. Durations are in seconds; 0 switches off what can be switched off.

    `secret_headers` are headers whose values nobody reads back (`publisher.secret_options` has other secrets); where a
    backend is dialled they stand among the `headers`. `secret_key` belongs to the `client_certificate`;
    `secret_query` are parameters added to the address. Where there is a `token_url`, a token is fetched there with
    client credentials and shown to the backend. `host` and `server_name` stand in for the name in the address: in the
    Host header, and in TLS (SNI) with the name that the backend's certificate must have.
    """

    connect_timeout: float = 5.0
    idle_timeout: float = 0.0
    ping_interval: float = 25.0
    retries: int = 0
    retry_delay: float = 0.5
    suspend_after: int = 3
    suspend_initial: float = 1.0
    suspend_factor: float = 2.0
    suspend_maximum: float = 300.0
    prevent_suspension: bool = False
    verify_tls: bool = True
    ca_certificate: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    client_certificate: str = ""
    secret_key: str = field(default="", repr=False)
    host: str = ""
    server_name: str = ""
    secret_query: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_url: str = ""
    token_client: str = ""
    token_secret: str = field(default="", repr=False)
    token_scope: str = ""
    maximum_duration: float = 0.0
    pass_refusals: bool = False
    signed_identity: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> EndpointOptions:
        """What was stored, with the default for all that was not. Unknown keys are left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{key: value for key, value in document.items() if key in known})

    def to_document(self) -> dict[str, Any]:
        """What to store: every field, so that a later default does not change an API."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OptionBounds:
    """The range of a number. `may_be_off` allows 0 below the range; `whole` asks for an integer."""

    label: str
    least: float
    most: float
    may_be_off: bool = False
    whole: bool = False


OPTION_BOUNDS: dict[str, OptionBounds] = {
    "connect_timeout": OptionBounds("Connect timeout", 0.1, 60),
    "idle_timeout": OptionBounds("Idle timeout", 1, DAY, may_be_off=True),
    "ping_interval": OptionBounds("Ping interval", 1, 3600, may_be_off=True),
    "retries": OptionBounds("Retries", 0, 10, whole=True),
    "retry_delay": OptionBounds("Delay between tries", 0, 60),
    "suspend_after": OptionBounds("Failures before suspension", 1, 100, whole=True),
    "suspend_initial": OptionBounds("First suspension", 0.1, DAY),
    "suspend_factor": OptionBounds("Factor", 1, 100),
    "suspend_maximum": OptionBounds("Longest suspension", 0.1, 7 * DAY),
    "maximum_duration": OptionBounds("Maximum connection duration", 1, 30 * DAY, may_be_off=True),
}


def read_endpoint(document: object) -> Endpoint | None:
    """Check an endpoint document; None when it names no address. Raises Invalid with `url` or `failover`."""
    if not isinstance(document, Mapping):
        raise invalid(url='An endpoint is an object such as {"url": "ws://host:port/path"}.')
    url, failover = document.get("url") or "", document.get("failover") or []
    if not (isinstance(failover, list | tuple) and all(isinstance(each, str) for each in (url, *failover))):
        raise invalid(url="Addresses are text: one url and a list of failover addresses.")
    cleaned: list[str] = []
    errors: dict[str, str] = {}
    spares = [spare for spare in failover if spare.strip()]
    for key, address in (("url", url), *(("failover", spare) for spare in spares)):
        try:
            if address.strip():
                cleaned.append(clean_endpoint_url(address))
        except BadValue as error:
            errors[key] = str(error)
    if spares and not url.strip():
        errors["url"] = "Give the address that is tried first before the ones to fail over to."
    if len(spares) > MAXIMUM_FAILOVER:
        errors["failover"] = f"At most {MAXIMUM_FAILOVER} failover addresses are tried; these are {len(spares)}."
    refuse(errors)
    return Endpoint(cleaned[0], tuple(cleaned[1:])) if cleaned else None


def read_options(document: object) -> EndpointOptions:
    """Check an options document; what it leaves out keeps its default. Raises Invalid by field."""
    if not isinstance(document, Mapping):
        raise invalid(endpoint_options="Endpoint options are an object of names and values.")
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key, value in document.items():
        try:
            if key not in _READERS:
                raise BadValue("There is no such endpoint option.")
            values[key] = _READERS[key](value)
        except BadValue as error:
            errors[str(key)] = str(error)
    refuse(errors)
    options = EndpointOptions(**values)
    if options.suspend_maximum < options.suspend_initial:
        errors["suspend_maximum"] = "The longest suspension cannot be shorter than the first one."
    names = [name.lower() for name in (*options.headers, *options.secret_headers)]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        key = "secret_headers" if twice in map(str.lower, options.secret_headers) else "headers"
        errors[key] = f"{twice} stands here twice. Give it once, with commas between its values."
    elif len(names) > MAXIMUM_HEADERS:
        errors["secret_headers"] = f"At most {MAXIMUM_HEADERS} headers can be added; these are {len(names)}."
    if bool(options.client_certificate) != bool(options.secret_key):
        errors["secret_key" if options.client_certificate else "client_certificate"] = (
            "A client certificate and its private key belong together: give both or neither."
        )
    if options.token_url and not (options.token_client and options.token_secret):
        errors["token_client" if options.token_secret else "token_secret"] = (
            "A token is fetched with a client id and its secret: give both, or no token address."
        )
    refuse(errors)
    return options


def check_pair(certificate: str, key: str) -> None:
    """Raise Invalid (`secret_key`) where a private key is not that of the first certificate. Both in PEM, or none."""
    if not certificate:
        return
    public = load_pem_private_key(key.encode(), None).public_key()
    if public != load_pem_x509_certificate(certificate.encode()).public_key():
        sentence = "This is not the private key of the client certificate's first certificate."
        raise invalid(secret_key=sentence)


def _read_number(limits: OptionBounds, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(f"{limits.label} is a number.")
    if limits.may_be_off and value == 0:
        return 0.0
    if not limits.least <= value <= limits.most:
        off = ", or 0 to switch it off" if limits.may_be_off else ""
        raise BadValue(f"{limits.label} must be between {limits.least:.10g} and {limits.most:.10g}{off}.")
    if limits.whole and value != int(value):
        raise BadValue(f"{limits.label} is a whole number.")
    return int(value) if limits.whole else float(value)


def _read_certificate(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue("A certificate is text in PEM form.")
    text = value.strip()
    if len(text) > MAXIMUM_CERTIFICATE:
        raise BadValue(f"The certificates have at most {MAXIMUM_CERTIFICATE // 1024} KiB together.")
    if "PRIVATE KEY" in text:
        raise BadValue("This holds a private key. Paste only the certificate, and keep the key where it is used.")
    try:
        if text:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError, TypeError):
        raise BadValue(
            "This is not a certificate in PEM form. It begins with -----BEGIN CERTIFICATE----- and is pasted whole."
        ) from None
    return text


def _read_key(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > MAXIMUM_CERTIFICATE:
        raise BadValue(f"A private key has at most {MAXIMUM_CERTIFICATE // 1024} KiB.")
    try:
        if text and text != HIDDEN:
            load_pem_private_key(text.encode(), None)
    except TypeError:
        raise BadValue("This private key has a password. Paste it without one: it is encrypted here.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadValue(
            "This is not a private key in PEM form. It begins with -----BEGIN PRIVATE KEY----- and is pasted whole."
        ) from None
    return text


def _read_host(label: str, value: Any, *, port: bool = False) -> str:
    text = value.strip() if isinstance(value, str) else ""
    name, colon, number = text.rpartition(":") if port and re.search(r":[0-9]{1,5}$", text) else (text, "", "")
    if text and not (
        re.fullmatch(r"[A-Za-z0-9._-]+", name) and is_host(name) and (not colon or 1 <= int(number) <= 65535)
    ):
        raise BadValue(f"{label} is a host name such as backend.example.com{', or one with :port' if port else ''}.")
    return text


def _read_query(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MAXIMUM_HEADERS:
        raise BadValue(f"Parameters are names with values, at most {MAXIMUM_HEADERS}.")
    for name, text in value.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._~-]{1,100}", name):
            raise BadValue(f"{name} is no name of a parameter here. Use letters, digits and . _ ~ -, such as api_key.")
        if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= 4096:
            raise BadValue(f"The value of {name} must be one line of 1 to 4096 characters.")
    return dict(value)


def _read_line(label: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text.isprintable() or len(text) > 1000:
        raise BadValue(f"{label} is one line of at most 1000 characters.")
    return text


def _read_token_url(value: Any) -> str:
    text = _read_line("The token address", value)
    try:
        parts = urlsplit(text)
        is_fine = not text or (parts.scheme in {"http", "https"} and is_host(parts.hostname or "") and parts.port != 0)
    except ValueError:
        is_fine = False
    if not is_fine or "#" in text or "@" in text:
        raise BadValue(
            "The token address begins with https:// (or http://) and names a host, without a user or #fragment."
        )
    return ascii_url(text)


def _read_headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise BadValue("Backend headers are names with values.")
    if len(value) > MAXIMUM_HEADERS:
        raise BadValue(f"At most {MAXIMUM_HEADERS} headers can be added; these are {len(value)}.")
    for name, text in value.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise BadValue(f"{name} is no header name. Use letters, digits and hyphens, such as X-Backend-Key.")
        plain = re.sub("[^0-9a-z]", "-", name.lower())  # as many servers read it, see `handshake.request.plain_name`
        if plain in _GATEWAY_HEADERS or plain.startswith(_GATEWAY_PREFIXES):
            raise BadValue(f"The gateway itself sets {name}; leave it out.")
        if not isinstance(text, str) or not text.isascii() or not text.isprintable() or len(text) > 4096:
            raise BadValue(f"The value of {name} must be one line of plain text of at most 4096 characters.")
    return dict(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "prevent_suspension": clean_switch,
    "pass_refusals": clean_switch,
    "signed_identity": clean_switch,
    "verify_tls": clean_switch,
    "ca_certificate": _read_certificate,
    "headers": _read_headers,
    "secret_headers": _read_headers,
    "client_certificate": _read_certificate,
    "secret_key": _read_key,
    "host": partial(_read_host, "The Host", port=True),
    "server_name": partial(_read_host, "The name in TLS"),
    "secret_query": _read_query,
    "token_url": _read_token_url,
    "token_client": partial(_read_line, "The client id"),
    "token_secret": partial(_read_line, "The client secret"),
    "token_scope": partial(_read_line, "The scope"),
    **{name: partial(_read_number, bounds) for name, bounds in OPTION_BOUNDS.items()},
}
