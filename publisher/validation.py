"""What a name, a context, a version and an endpoint address may look like. Pure; every refusal says what to do."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any
from urllib.parse import urlsplit

from core.values import BadValue, within
from publisher.uris import ascii_url, is_host

NAME_LENGTH, CONTEXT_LENGTH, VERSION_LENGTH, URL_LENGTH, TAG_LENGTH = 60, 200, 30, 2000, 30
MAXIMUM_TAGS, DESCRIPTION_LENGTH = 20, 32766
RESERVED_CONTEXTS = frozenset({"/health", "/ready", "/metrics", "/tickets", "/connections"})
VERSION_PLACEHOLDER = "{version}"

_NOT_IN_NAMES = "~!@#;:%^*()+={}|\\<>\"',&$[]/"
_NOT_IN_CONTEXTS = "`~!@#?:%^&*+=|\\<>\"',[]"
_NOT_IN_TAGS = "~!@#;%^&*+=|\\<>\"'/,"
_NOT_IN_VERSIONS = "`?~!@#;:%^*()+={}|\\<>\"',&/$[]"
_SCHEMES = {"http": "ws", "https": "wss", "": "ws"}


def clean_name(text: str) -> str:
    """The name without outer blanks; raises BadValue."""
    name = text.strip()
    if not name:
        raise BadValue("Give the API a name.")
    found = _first_of(_NOT_IN_NAMES, name)
    if found or "  " in name or not name.isprintable():
        kept = "".join("-" if character in _NOT_IN_NAMES else character for character in name)
        alike = " ".join(re.sub("-+", "-", kept).split()).strip("-")
        what = found or "two blanks in a row, tabs or line ends"
        raise BadValue(f"A name cannot contain {what}.", _suggest(alike, name, clean_name))
    return within(name, NAME_LENGTH, "A name")


def clean_context(text: str) -> str:
    """The context with a leading and without a trailing slash; raises BadValue.

    What is returned is a legal path (RFC 3986 §3.3) in which `{version}` may stand as one whole segment.
    """
    stripped = text.strip().strip("/")
    if not stripped:
        raise BadValue("Give the API a context: the path under which the gateway serves it, such as /echowebsocket.")
    context = f"/{stripped}"
    alike = [part if part == VERSION_PLACEHOLDER else _slug(part) for part in context.split("/")]
    suggestion = _suggest("/" + "/".join(part for part in alike if part), context, clean_context)
    _check_characters("A context", context, _NOT_IN_CONTEXTS, suggestion)
    _check_segments(context)
    if context.lower() in RESERVED_CONTEXTS:
        raise BadValue(f"The gateway itself answers at {context}.", f"{context}-api")
    return within(context, CONTEXT_LENGTH, "A context")


def clean_version(text: str) -> str:
    """The version without outer blanks; raises BadValue. It becomes one segment of the address."""
    version = text.strip()
    if not version:
        raise BadValue("Give the API a version, such as 1.0.0.")
    _check_characters("A version", version, _NOT_IN_VERSIONS, _suggest(_slug(version), version, clean_version))
    if not version.strip("."):
        raise BadValue("A version cannot be made of dots alone.", "1.0.0")
    return within(version, VERSION_LENGTH, "A version")


def clean_endpoint_url(text: str) -> str:
    """The address of a WebSocket backend as it is dialled: without outer blanks, in ASCII. Raises BadValue."""
    url = text.strip()
    if not url:
        raise BadValue("Give the address of a WebSocket backend, such as ws://host:port/path.")
    if not url.isprintable() or " " in url:
        raise BadValue("An endpoint cannot contain a space.", _suggest("".join(url.split()), url, clean_endpoint_url))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadValue("The host or port of this endpoint cannot be read. Write it as ws://host:port/path.") from None
    if parts.scheme not in {"ws", "wss"}:
        bare = url.split("://", 1)[-1].lstrip("/")
        known = _SCHEMES.get(parts.scheme if "://" in url else "", "")
        suggestion = _suggest(f"{known}://{bare}", url, clean_endpoint_url) if known and bare else ""
        raise BadValue("A WebSocket endpoint begins with ws:// or, when secured, wss://.", suggestion)
    if not parts.hostname:
        raise BadValue(f"The endpoint names no host. Write it as {parts.scheme}://host:port/path.")
    if port == 0:
        raise BadValue("Port 0 cannot be dialled. Use a port from 1 to 65535.")
    if parts.username is not None or parts.password is not None:
        raise BadValue("An endpoint cannot carry a user name or password. Send them in a backend header instead.")
    if "#" in url:
        raise BadValue("A WebSocket address has no #fragment.", _suggest(url.split("#")[0], url, clean_endpoint_url))
    if not is_host(parts.hostname):
        raise BadValue(
            f"{parts.hostname} is no host name. Between its dots stand 1 to 63 letters, digits or hyphens, and at most "
            "253 in all."
        )
    return within(ascii_url(url), URL_LENGTH, "An endpoint")


def clean_description(text: str) -> str:
    """The description without outer blanks; raises BadValue."""
    return within(text.strip(), DESCRIPTION_LENGTH, "A description")


def clean_tags(tags: Iterable[str]) -> list[str]:
    """The tags in their order, each once, without empty ones; raises BadValue."""
    cleaned = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    for tag in cleaned:
        if found := _first_of(_NOT_IN_TAGS, tag):
            raise BadValue(f"The tag {tag} cannot contain {found}.")
        within(tag, TAG_LENGTH, f"A tag such as {tag[:12]}…")
    if len(cleaned) > MAXIMUM_TAGS:
        raise BadValue(f"At most {MAXIMUM_TAGS} tags help to find an API; these are {len(cleaned)}.")
    return cleaned


def clean_switch(value: Any) -> bool:
    """True or false, and nothing that might be taken for it; raises BadValue."""
    if not isinstance(value, bool):
        raise BadValue("This is either true or false.")
    return value


def served_path(context: str, version: str) -> str:
    """The path at which the gateway answers: the version stands in place of `{version}`, else at the end."""
    if VERSION_PLACEHOLDER in context:
        return context.replace(VERSION_PLACEHOLDER, version)
    return f"{context}/{version}"


def context_root(context: str) -> str:
    """What two contexts must not share, in lower case: `/a` and `/a/{version}` answer at the same path."""
    return context.lower().removesuffix(f"/{VERSION_PLACEHOLDER}")


def _check_characters(what: str, value: str, forbidden: str, suggestion: str) -> None:
    if any(character.isspace() for character in value):
        raise BadValue(f"{what} cannot contain a space.", suggestion)
    if found := _first_of(forbidden, value):
        raise BadValue(f"{what} cannot contain {found}.", suggestion)
    if not value.isascii() or not value.isprintable():
        raise BadValue(f"{what} is part of an address and takes only plain letters, digits and - . _", suggestion)


def _check_segments(context: str) -> None:
    segments = context[1:].split("/")
    if "" in segments:
        raise BadValue("A context cannot contain two slashes in a row.", re.sub("/+", "/", context))
    if {".", ".."} & set(segments):
        raise BadValue("A context cannot contain the segments . or .. because browsers and proxies remove them.")
    fixed = [segment for segment in segments if segment != VERSION_PLACEHOLDER]
    if any("{" in segment or "}" in segment for segment in fixed):
        raise BadValue(
            f"Braces are only for {VERSION_PLACEHOLDER}, as a segment of its own: /chat/{VERSION_PLACEHOLDER}."
        )
    if not fixed or len(segments) - len(fixed) > 1:
        raise BadValue(f"A context needs a word of its own and {VERSION_PLACEHOLDER} at most once.")
    depths = list(accumulate((character == "(") - (character == ")") for character in context))
    if min(depths) < 0 or depths[-1] > 0:
        raise BadValue("A context must close every parenthesis that it opens.")


def _first_of(forbidden: str, value: str) -> str:
    return next((character for character in value if character in forbidden), "")


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-")


def _suggest(candidate: str, refused: str, clean: Callable[[str], str]) -> str:
    """The candidate if it differs from what was refused and would itself be taken, else nothing."""
    if candidate == refused:
        return ""
    try:
        return candidate if clean(candidate) == candidate else ""
    except BadValue:
        return ""
