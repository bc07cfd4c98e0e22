"""Lines of the log: text for people or JSON for programs, with the id of the request they are about, and no credential.

Both are formatters for the one handler of the root logger, so that whoever logs (Django, uvicorn, Daphne, a library)
does it this way. In JSON a line is an object whatever is in it, a traceback too.
"""

from __future__ import annotations

import logging
import sys
import threading
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from gateway.logging.redaction import redact

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id that client and backend see too, in the header X-APIM-Request-Id; empty outside a handshake."""

# What libraries attach to their records, for handlers of their own: whole requests, or the message again in colours.
_NOT_OURS: Final = ("color_message", "request", "server_time", "websocket")
_RENAMED: Final = {"levelname": "level", "name": "logger", "exc_info": "exception", "stack_info": "stack"}


class Text(logging.Formatter):
    """A line for people. A traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        """The line itself, with the request at its end."""
        name, line = _request_of(record), super().formatMessage(record)
        return f"{line} (request {name})" if name and name not in line else line

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class Json(JsonFormatter):
    """One object a line: time (RFC 3339, UTC), level, logger, message, process, and what the record has besides."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message", "process"],
            rename_fields=_RENAMED,
            reserved_attrs=[*RESERVED_ATTRS, *_NOT_OURS],
            timestamp="time",
        )

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """The request, if there is one, stands beside the rest."""
        super().add_fields(log_data, record, message_dict)
        if name := _request_of(record):
            log_data["request_id"] = name

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Before it becomes JSON, in which quotes are other characters."""
        for name, value in log_data.items():
            if value is not None and not isinstance(value, int | float):
                is_time = hasattr(value, "isoformat")
                log_data[name] = redact(value.isoformat(timespec="milliseconds") if is_time else str(value))
        return log_data


def take_over() -> None:
    """From now on what Python itself would print (warnings, what nobody caught) goes to the log."""

    def uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            logging.getLogger("gateway").critical("Nobody caught this.", exc_info=(kind, error, trace))

    logging.captureWarnings(True)
    sys.excepthook = uncaught
    threading.excepthook = lambda args: uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _request_of(record: logging.LogRecord) -> str:
    return str(getattr(record, "request_id", "") or request_id.get())
