"""Reads a WebSocket handshake out of an ASGI scope. Pure.

What it returns no longer holds the credential anywhere but in `Handshake.credential`, whose token hides from `repr`,
so that the rest may be forwarded and logged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, unquote_to_bytes

Headers = tuple[tuple[bytes, bytes], ...]

QUERY_TOKEN = "access_token"  # noqa: S105  a parameter's name (RFC 6750 §2.3)
TICKET = "ticket"
API_KEY = "apikey"
TOKEN_ENTRY = "bearer."  # noqa: S105  in front of a token among the subprotocols
OWN_SUBPROTOCOL = "apim"
ATTEMPT_ENTRY = re.compile(r"apim\.attempt\.([0-9a-f]{32})")
CONSOLE_ENTRY = re.compile(r"apim\.console\.([0-9a-f]{32})")
OWN_HEADERS = b"x-apim-"
OWN_COOKIES = b"__Host-apim-"

_SINGLE = frozenset((b"host", b"origin", b"authorization", b"upgrade", b"sec-websocket-key", b"sec-websocket-version"))
_NOT_FORWARDED = frozenset(
    b"authorization connection content-length forwarded host keep-alive proxy-authenticate proxy-authorization "
    b"proxy-connection te trailer transfer-encoding upgrade x-real-ip".split()
)
_NOT_FORWARDED_PREFIXES = (b"sec-websocket-", b"x-forwarded-", OWN_HEADERS)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")  # RFC 9110 §5.6.2, in the lower case that ASGI asks for
_FORBIDDEN_IN_VALUES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # what is over 0x7F is opaque (RFC 9110 §5.5)
_PATH = re.compile(r"/[!-~]*")
_HOST = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=%:\[\]]*")  # RFC 3986 §3.2.2, loosely
_DOT_SEGMENTS = frozenset((".", ".."))
_SEPARATORS = re.compile(r"[/\\]")
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


class Malformed(ValueError):
    """The handshake cannot be taken (400). `str(error)` says what is wrong and never quotes a credential."""

    code = 400


class SeveralCredentials(Malformed):
    """More than one credential was sent."""

    code = 900912


class CredentialSource(Enum):
    """How a credential was handed over."""

    HEADER = "header"
    QUERY = "query"
    SUBPROTOCOL = "subprotocol"
    TICKET = "ticket"
    BASIC = "basic"
    API_KEY = "apikey"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Credential:
    """What the client showed. `token` is empty unless it is a bearer token or a ticket, the kinds that are taken."""

    source: CredentialSource
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client asks for.

    `path` is raw: percent-encoding as it came. `query_string` is as it came, without the credential.
    `extensions` is the whole `Sec-WebSocket-Extensions` offer, empty if there was none. `headers_to_forward` are
    those that are the backend's business: no hop-by-hop header, no credential, nothing of `Sec-WebSocket-*`, nothing
    by which a client could pass itself off as a proxy or as this gateway.

    `subprotocols` are those that may be the backend's to choose, without the entry that holds a token. Without them
    too is `apim`, the gateway's own: it stands for whatever a backend speaks that knows of no subprotocols, and is
    chosen (`own_subprotocol`) when the backend chose none. `console_pass` is what the portal's console shows beside its
    token, see `publisher.origins`.
    """

    path: str
    query_string: bytes
    origin: str | None
    host: str
    subprotocols: tuple[str, ...]
    extensions: str
    credential: Credential | None
    headers_to_forward: Headers
    client_ip: str
    is_secure: bool
    user_agent: str = ""
    own_subprotocol: str | None = None
    console_pass: str = field(default="", repr=False)


def read(scope: Mapping[str, Any], takes_query_token: Callable[[str], bool] = lambda path: True) -> Handshake:
    """Understand an ASGI `websocket` scope. Raises Malformed.

    `takes_query_token(path)` says whether `access_token` in the query is a credential there; else it is a parameter of
    the backend's.
    """
    headers: Headers = tuple(scope["headers"])
    _check_headers(headers)
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"], safe="/:@!$&'()*+,;=~%-._")
    if not _PATH.fullmatch(path):
        raise Malformed("The path holds a character that must be percent-encoded.")
    if ("." in path or "%" in path) and not _DOT_SEGMENTS.isdisjoint(_SEPARATORS.split(unquote(path))):
        raise Malformed("The path holds a segment . or .. that a backend could read as another path. Remove it.")
    host = _text(headers, b"host") or ""
    query, from_query, unused = _split_query(scope.get("query_string", b""), takes_query_token, path)
    offered, from_offer = _split_subprotocols(scope.get("subprotocols", ()))
    origin = _text(headers, b"origin")
    if from_offer and not offered and origin is not None:
        raise Malformed(_NOTHING_TO_CHOOSE)
    if not _HOST.fullmatch(host):
        raise Malformed("The header host is not a host with an optional port.")
    return Handshake(
        path=path,
        query_string=query,
        origin=origin,
        host=host,
        subprotocols=tuple(each for each in offered if each != OWN_SUBPROTOCOL),
        extensions=", ".join(_all(headers, b"sec-websocket-extensions")),
        # A token that is not taken is still shown where there is no other, for a better refusal.
        credential=_one_of([*from_query, *from_offer, *_from_headers(headers)]) or unused,
        headers_to_forward=tuple(_forwarded(headers)),
        client_ip=(scope.get("client") or ("", 0))[0],
        is_secure=scope.get("scheme") == "wss",
        user_agent=_text(headers, b"user-agent") or "",
        own_subprotocol=OWN_SUBPROTOCOL if OWN_SUBPROTOCOL in offered else None,
        console_pass=_named(CONSOLE_ENTRY, scope),
    )


# RFC 6455 §4.2.2 lets a server choose none, and the entry with the token is never chosen: it would come back in the
# answer. But a browser that has offered something fails the connection when nothing is chosen.
_NOTHING_TO_CHOOSE = (
    "A browser gives a connection up on which none of its subprotocols was chosen, and the one that holds the token "
    f"never is. Offer another one beside it: the backend's, or {OWN_SUBPROTOCOL} if it has none."
)


def _check_headers(headers: Headers) -> None:
    for name, value in headers:
        if not _NAME.fullmatch(name):
            raise Malformed("A header name holds a character that is not allowed there.")
        if _FORBIDDEN_IN_VALUES.search(value):
            raise Malformed(f"The header {name.decode('ascii')} holds a control character. Remove it.")
    for name, count in Counter(name for name, _ in headers if name in _SINGLE).items():
        if count > 1:
            raise Malformed(f"The header {name.decode('ascii')} was sent {count} times. Send it once.")


def _split_query(
    query: bytes, takes_token: Callable[[str], bool], path: str
) -> tuple[bytes, list[Credential], Credential | None]:
    """The query without the credential and byte for byte otherwise, the credentials that were in it, and a token that
    is none because the API takes none there."""
    if not _MAY_HOLD_CREDENTIAL.search(query):
        return query, [], None
    kept, tokens, api_keys = [], list[Credential](), []
    unused = None
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        decoded = unquote_plus(name.decode("latin-1"))
        if decoded in _IN_QUERY:
            shown = Credential(_IN_QUERY[decoded], unquote_to_bytes(value).decode("latin-1"))
            if shown.source is not CredentialSource.QUERY or takes_token(path):
                tokens.append(shown)
                continue
            unused = Credential(CredentialSource.QUERY)
        if decoded.lower() == API_KEY:
            api_keys.append(Credential(CredentialSource.API_KEY))
        kept.append(part)
    return b"&".join(kept), tokens or api_keys[:1], unused


_IN_QUERY = {QUERY_TOKEN: CredentialSource.QUERY, TICKET: CredentialSource.TICKET}
_MAY_HOLD_CREDENTIAL = re.compile(rf"%|{QUERY_TOKEN}|{TICKET}|(?i:{API_KEY})".encode())


def _split_subprotocols(offered: Iterable[str]) -> tuple[tuple[str, ...], list[Credential]]:
    """The subprotocols without the entries that hold a token or a pass or name an attempt, and the tokens."""
    kept, tokens = [], []
    for each in offered:
        if ATTEMPT_ENTRY.fullmatch(each) or CONSOLE_ENTRY.fullmatch(each):
            continue
        if each[: len(TOKEN_ENTRY)].lower() == TOKEN_ENTRY:
            tokens.append(Credential(CredentialSource.SUBPROTOCOL, each[len(TOKEN_ENTRY) :]))
        else:
            kept.append(each)
    return tuple(kept), tokens


def attempt_of(scope: Mapping[str, Any]) -> str:
    """The id by which a client wants to find what became of its handshake, from a subprotocol `apim.attempt.<id>`.

    A browser is told neither the status nor the body of a refusal. A page that names its attempt can ask the portal.
    """
    return _named(ATTEMPT_ENTRY, scope)


def _named(entry: re.Pattern[str], scope: Mapping[str, Any]) -> str:
    found = (entry.fullmatch(each) for each in scope.get("subprotocols") or ())
    return next((match[1] for match in found if match), "")


def _from_headers(headers: Headers) -> list[Credential]:
    authorization = _text(headers, b"authorization")
    if authorization is None:
        return [Credential(CredentialSource.API_KEY)] if any(name == API_KEY.encode() for name, _ in headers) else []
    if bearer := _BEARER.fullmatch(authorization.strip()):
        return [Credential(CredentialSource.HEADER, bearer[1])]
    scheme = authorization.strip().partition(" ")[0].lower()
    known = {"basic": CredentialSource.BASIC, "bearer": CredentialSource.HEADER}
    return [Credential(known.get(scheme, CredentialSource.OTHER))]


def _one_of(shown: list[Credential]) -> Credential | None:
    """The one credential. A token beside an `apikey` is the credential, the key the backend's business."""
    counted = [each for each in shown if each.source is not CredentialSource.API_KEY] or shown[:1]
    if len(counted) > 1:
        raise SeveralCredentials(_SEVERAL)
    return counted[0] if counted else None


_SEVERAL = (
    "Several credentials were sent. Send one: the Authorization header, access_token or ticket in the address, or a "
    "subprotocol bearer.<token>."
)


def _forwarded(headers: Headers) -> Iterator[tuple[bytes, bytes]]:
    named = {
        token.strip().lower().encode("latin-1") for line in _all(headers, b"connection") for token in line.split(",")
    }
    for name, value in headers:
        plain = plain_name(name)
        if plain in _NOT_FORWARDED or name in named or plain.startswith(_NOT_FORWARDED_PREFIXES):
            continue
        if name == b"cookie":
            # Cookies do not keep to one port: a browser would show the portal's session to every backend.
            cookies = (cookie.strip() for cookie in value.split(b";"))
            value = b"; ".join(cookie for cookie in cookies if cookie and not is_own_cookie(cookie))
            if not value:
                continue
        yield name, value


def plain_name(name: bytes) -> bytes:
    """A header's name as servers may look it up: in lower case, and with `-` for all that is no letter or digit.

    CGI and what descends from it write `_` for `-` (RFC 3875 §4.1.18), so there `X_APIM_Plan` stands for `X-APIM-Plan`.
    """
    return _NO_LETTER.sub(b"-", name.lower())


_NO_LETTER = re.compile(rb"[^0-9a-z]")


def is_own_cookie(pair: bytes) -> bool:
    """Whether `name=value` is a cookie of the portals'. One without a name goes by its value, which may look like both.

    Browsers read the prefix in any case of letters.
    """
    return pair.lstrip(b"= \t").lower().startswith(OWN_COOKIES.lower())


def _all(headers: Headers, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name == wanted]


def _text(headers: Headers, wanted: bytes) -> str | None:
    return next(iter(_all(headers, wanted)), None)
