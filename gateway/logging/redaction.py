"""Takes credentials out of what is logged. uvicorn writes whole query strings and, at debug level, whole requests.

The product's own handler redacts every line, see `gateway.logging.formats`. `install` is for the loggers that are known
to be talkative, wherever their records go: under another server the handlers are that server's.
"""

from __future__ import annotations

import logging
import re

LOGGERS = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
    "websockets",
    "websockets.client",
    "asyncio",
    "gateway.http",
)

SECRETS = re.compile(
    r"""((?:access_token|refresh_token|id_token|client_secret|password|ticket|apikey)(?:=|%3D|['"]\s*:\s*b?['"]))
        [^&\s"'\\]+
      | ([?&]code=) [^&\s"'\\]+
      | (authorization['"]?(?:\s*[:,]\s*)b?['"]? (?:[a-z]+\s+)? ) [^\s"',]+
      | (\bbearer[\s.]) [^\s"',;]+
      | ( \b )eyJ[\w-]{8,}\.[\w-]+\.?[\w-]* """,
    re.IGNORECASE | re.VERBOSE,
)


_HINTS = ("token", "secret", "password", "ticket", "apikey", "code=", "authorization", "bearer", "eyj")
"""One of these stands in all that is looked for; to find none in a line costs a tenth of searching it."""


def redact(text: str) -> str:
    """`text` without anything that looks like a credential."""
    small = text.casefold()
    if not any(hint in small for hint in _HINTS):
        return text
    return SECRETS.sub(lambda found: "".join(group or "" for group in found.groups()) + "[redacted]", text)


class Redact(logging.Filter):
    """Rewrites a record's message, and its traceback if it has one, without credentials."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


def install() -> None:
    """Redact what the servers' and libraries' own loggers write, whoever handles it. May be called again."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, Redact) for each in logger.filters):
            logger.addFilter(Redact())
