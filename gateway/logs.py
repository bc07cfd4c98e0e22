"""What a line of the log knows of the request it is about."""

from __future__ import annotations

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id that client and backend see too, in the header X-APIM-Request-Id; empty outside a handshake."""
