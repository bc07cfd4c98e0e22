"""The names and parameters in `Sec-WebSocket-Extensions` (RFC 6455 §9.1). Pure."""

from __future__ import annotations

DEFLATE = ("permessage-deflate",)


def keeps_context(extensions: str) -> tuple[bool, bool]:
    """Whether the client's and the backend's messages are compressed with what went before (RFC 7692 §7.1.1).

    Of an extension that is not known here anything may be true.
    """
    if not extensions:
        return False, False
    if extension_names(extensions) != list(DEFLATE):
        return True, True
    given = {parameter.partition("=")[0].strip().lower() for parameter in extensions.split(";")[1:]}
    return "client_no_context_takeover" not in given, "server_no_context_takeover" not in given


def only_deflate(value: str) -> str:
    """What of a `Sec-WebSocket-Extensions` value offers to compress messages (RFC 7692)."""
    return ", ".join(part.strip() for part in value.split(",") if extension_names(part) == list(DEFLATE))


def extension_names(value: str) -> list[str]:
    """The names in a `Sec-WebSocket-Extensions` value, in lower case and in order, without parameters."""
    return [name for part in value.split(",") if (name := part.partition(";")[0].strip().lower())]
