"""Which OAuth 2 grants the keys of an application may hold, and what each needs. Pure.

The names are OAuth's (RFC 6749). Password and implicit are missing on purpose: RFC 9700 tells servers not to offer
them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from core import durations
from core.translating import gettext as _
from core.translating import gettext_noop

CLIENT_CREDENTIALS = "client_credentials"
AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant

MOST_CALLBACKS = 10
PRIVATE_USE = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+")
FRAGMENT = gettext_noop("A callback URL has no fragment: remove the # and what follows.")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class GrantType:
    """One grant type as a person chooses it; its label and hint are in English."""

    name: str
    label: str
    hint: str
    needs_callback: bool = False


GRANTS = (
    GrantType(
        CLIENT_CREDENTIALS,
        gettext_noop("Client credentials"),
        gettext_noop("A program calls in its own name. The wizard's token needs it."),
    ),
    GrantType(
        AUTHORIZATION_CODE,
        gettext_noop("Authorization code"),
        gettext_noop("A program calls in the name of a person who agreed."),
        needs_callback=True,
    ),
    GrantType(
        REFRESH_TOKEN,
        gettext_noop("Refresh token"),
        gettext_noop("A new access token without asking the person again."),
    ),
)
GRANT_NAMES = tuple(grant.name for grant in GRANTS)


def usable(names: Iterable[str]) -> list[str]:
    """Those of `names` that keys may hold, in the order of the table; refresh tokens come with authorization codes."""
    wanted = set(names)
    return [name for name in GRANT_NAMES if name in wanted and (name != REFRESH_TOKEN or AUTHORIZATION_CODE in wanted)]


def problem_with_grants(names: list[str]) -> str | None:
    """What is wrong with a choice of grants, as a sentence; None if it may stand."""
    unknown = sorted(set(names) - set(GRANT_NAMES))
    if unknown:
        names_of = {"unknown": ", ".join(unknown), "possible": ", ".join(GRANT_NAMES)}
        return _("%(unknown)s cannot be granted. Possible are %(possible)s.") % names_of
    if not set(names) - {REFRESH_TOKEN}:
        return _("Choose client credentials or authorization code: without one of them no token can be asked for.")
    if REFRESH_TOKEN in names and AUTHORIZATION_CODE not in names:
        return _("Refresh tokens come with the authorization code grant. Add that one, or leave refresh token out.")
    return None


def problem_with_callbacks(names: list[str], text: str) -> str | None:
    """What is wrong with callback URLs, one a line, as a sentence; None if they may stand."""
    urls = callbacks(text)
    if len(urls) > MOST_CALLBACKS:
        numbers = {"most": MOST_CALLBACKS, "number": len(urls)}
        return _("Keys have at most %(most)d callback URLs; these are %(number)d.") % numbers
    found = (problem_with_callback(names, url) for url in urls or [""])
    return next((problem for problem in found if problem), None)


def callbacks(text: str) -> list[str]:
    """The callback URLs in a text with one a line, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def is_private_use(scheme: str) -> bool:
    """Whether a scheme is a program's own, as RFC 8252 §7.1 has it: a domain name turned round."""
    return bool(PRIVATE_USE.fullmatch(scheme))


def problem_with_callback(names: list[str], url: str) -> str | None:
    """What is wrong with a callback URL for these grants, as a sentence; None if it may stand."""
    if not url:
        needed = any(grant.needs_callback for grant in GRANTS if grant.name in names)
        return _("The authorization code grant sends people back to a callback URL. Enter it.") if needed else None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return _("This is not a URL. Example: https://example.com/callback")
    if is_private_use(parts.scheme) and not any(mark.isspace() for mark in url):
        return _(FRAGMENT) if "#" in url else None
    if not host or any(mark.isspace() for mark in url):
        return _("Enter one whole URL, with its scheme and host. Example: https://example.com/callback")
    if "@" in parts.netloc or "*" in host:
        return _(
            "A callback URL names one host, without a user name, a password or *. Example: https://example.com/callback"
        )
    if parts.scheme == "http" and host not in LOOPBACK:
        return _("Plain http is only possible on this computer (localhost). Use https.")
    if parts.scheme not in {"http", "https"}:
        return _(
            "A callback URL starts with https://, with http:// on localhost, or with a scheme of the program's own, "
            "which is a domain name turned round: com.example.app:/callback."
        )
    return _(FRAGMENT) if "#" in url else None


def problem_with_seconds(seconds: int, longest: int) -> str | None:
    """What is wrong with a validity in seconds, of which `longest` is the most, as a sentence; None if it may stand."""
    if 1 <= seconds <= longest:
        return None
    about = {"longest": longest, "words": durations.in_words(longest)}
    return _("A token lives from 1 to %(longest)d seconds here (%(words)s). Ask for less.") % about
