"""Reads a WebSocket handshake out of an ASGI scope; one module, for credentials stand in all of its parts. Pure.

What it returns no longer holds the credential anywhere but in `Handshake.credential`, whose token hides from `repr`,
so that the rest may be forwarded and logged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, unquote_to_bytes

from gateway.handshake.head import ONCE

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

_SINGLE = frozenset(ONCE)
_NOT_FORWARDED = frozenset(
    b"authorization connection content-length forwarded host keep-alive proxy-authenticate proxy-authorization "
    b"proxy-connection te trailer transfer-encoding upgrade x-real-ip".split()
)
_NOT_FORWARDED_PREFIXES = (b"sec-websocket-", b"x-forwarded-", OWN_HEADERS)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")  # RFC 9110 §5.6.2, in the lower case that ASGI asks for
_FORBIDDEN_IN_VALUES = bytes({*range(0x20), 0x7F} - {0x09})  # what is over 0x7F is opaque (RFC 9110 §5.5)
_PATH = re.compile(r"/[!-~]*")
_HOST = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=%:\[\]]*")  # RFC 3986 §3.2.2, loosely
_DOT_SEGMENTS = frozenset((".", ".."))
_SEPARATORS = re.compile(r"[/\\]")


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
    fields = dict(headers)
    _check_headers(headers, is_unique=len(fields) == len(headers))
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"], safe="/:@!$&'()*+,;=~%-._")
    if not _PATH.fullmatch(path):
        raise Malformed("The path holds a character that must be percent-encoded.")
    if ("." in path or "%" in path) and not _DOT_SEGMENTS.isdisjoint(_SEPARATORS.split(unquote(path))):
        raise Malformed("The path holds a segment . or .. that a backend could read as another path. Remove it.")
    host = fields.get(b"host", b"").decode("latin-1")
    query, from_query, unused = _split_query(scope.get("query_string", b""), takes_query_token, path)
    offered, from_offer = _split_subprotocols(scope.get("subprotocols") or ())
    origin = fields[b"origin"].decode("latin-1") if b"origin" in fields else None
    if from_offer and not offered and origin is not None:
        raise Malformed(_NOTHING_TO_CHOOSE)
    if not _HOST.fullmatch(host):
        raise Malformed("The header host is not a host with an optional port.")
    extensions = b", ".join([value for name, value in headers if name == b"sec-websocket-extensions"])
    agent = next((value for name, value in headers if name == b"user-agent"), b"")
    return Handshake(
        path=path,
        query_string=query,
        origin=origin,
        host=host,
        subprotocols=tuple([each for each in offered if each != OWN_SUBPROTOCOL]),
        extensions=extensions.decode("latin-1"),
        # A token that is not taken is still shown where there is no other, for a better refusal.
        credential=_one_of([*from_query, *from_offer, *_from_headers(fields)]) or unused,
        headers_to_forward=_forwarded(headers),
        client_ip=(scope.get("client") or ("", 0))[0],
        is_secure=scope.get("scheme") == "wss",
        user_agent=agent.decode("latin-1"),
        own_subprotocol=OWN_SUBPROTOCOL if OWN_SUBPROTOCOL in offered else None,
        console_pass=_named(CONSOLE_ENTRY, scope),
    )


# RFC 6455 §4.2.2 lets a server choose none, and the entry with the token is never chosen: it would come back in the
# answer. But a browser that has offered something fails the connection when nothing is chosen.
_NOTHING_TO_CHOOSE = (
    "A browser gives a connection up on which none of its subprotocols was chosen, and the one that holds the token "
    f"never is. Offer another one beside it: the backend's, or {OWN_SUBPROTOCOL} if it has none."
)


def _check_headers(headers: Headers, *, is_unique: bool) -> None:
    values = b"".join([value for _, value in headers])
    is_refused = HeaderUse.REFUSED in [_use_of(name) for name, _ in headers]
    if is_refused or len(values.translate(None, _FORBIDDEN_IN_VALUES)) != len(values):
        for name, value in headers:
            if _use_of(name) is HeaderUse.REFUSED:
                raise Malformed("A header name holds a character that is not allowed there.")
            if len(value.translate(None, _FORBIDDEN_IN_VALUES)) != len(value):
                raise Malformed(f"The header {name.decode('ascii')} holds a control character. Remove it.")
    if is_unique:
        return
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
    offered = scope.get("subprotocols")
    if not offered:
        return ""
    found = (entry.fullmatch(each) for each in offered)
    return next((match[1] for match in found if match), "")


def _from_headers(fields: Mapping[bytes, bytes]) -> list[Credential]:
    if b"authorization" not in fields:
        return [Credential(CredentialSource.API_KEY)] if API_KEY.encode() in fields else []
    scheme, _, token = fields[b"authorization"].decode("latin-1").strip().partition(" ")
    scheme, token = scheme.lower(), token.strip(" ")
    if scheme == "bearer" and token.split() == [token]:
        return [Credential(CredentialSource.HEADER, token)]
    known = {"basic": CredentialSource.BASIC, "bearer": CredentialSource.HEADER}
    return [Credential(known.get(scheme, CredentialSource.OTHER))]


def _one_of(shown: list[Credential]) -> Credential | None:
    """The one credential. A token beside an `apikey` is the credential, the key the backend's business."""
    if len(shown) > 1:
        shown = [each for each in shown if each.source is not CredentialSource.API_KEY] or shown[:1]
    if len(shown) > 1:
        raise SeveralCredentials(_SEVERAL)
    return shown[0] if shown else None


_SEVERAL = (
    "Several credentials were sent. Send one: the Authorization header, access_token or ticket in the address, or a "
    "subprotocol bearer.<token>."
)


def _forwarded(headers: Headers) -> Headers:
    """Most names are the same in most handshakes, so what becomes of each is remembered."""
    hops = [value for name, value in headers if name == b"connection"]
    named = [token.strip().lower() for line in hops for token in line.split(b",")]
    kept = [header for header in headers if _use_of(header[0]) is HeaderUse.FORWARDED and header[0] not in named]
    if b"cookie" not in dict(kept):
        return tuple(kept)
    # Cookies do not keep to one port: a browser would show the portal's session to every backend.
    forwarded = []
    for name, value in kept:
        if name == b"cookie":
            cookies = (cookie.strip() for cookie in value.split(b";"))
            value = b"; ".join(cookie for cookie in cookies if cookie and not is_own_cookie(cookie))
        if value or name != b"cookie":
            forwarded.append((name, value))
    return tuple(forwarded)


class HeaderUse(Enum):
    """What becomes of a header of the client's, going by its name."""

    FORWARDED = "it is the backend's business"
    KEPT = "it is between the client and the gateway"
    REFUSED = "no header has such a name"


@lru_cache(maxsize=4096)
def _use_of(name: bytes) -> HeaderUse:
    plain = plain_name(name)
    if not _NAME.fullmatch(name):
        return HeaderUse.REFUSED
    is_kept = plain in _NOT_FORWARDED or plain.startswith(_NOT_FORWARDED_PREFIXES)
    return HeaderUse.KEPT if is_kept else HeaderUse.FORWARDED


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
