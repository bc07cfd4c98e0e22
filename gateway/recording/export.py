"""A recording as files: JSON Lines as the console exports it, and HAR 1.2 with Chrome's `_webSocketMessages`. Pure."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from publisher.validation import served_path

HALF: Final = {"httpVersion": "HTTP/1.1", "cookies": [], "headers": [], "headersSize": -1}
"""What a request of HAR has in common with its response."""


class Message(Protocol):
    """What is read of a message here."""

    connection_id: str
    at: datetime
    sender: str
    is_text: bool
    octets: int
    payload: Any
    fields: int
    problem: str


def text_of(message: Message) -> str | None:
    """A payload as text; None where it is none, or was not kept."""
    if message.payload is None or not message.is_text:
        return None
    try:
        return bytes(message.payload).decode()
    except UnicodeDecodeError:
        return None


def base64_of(message: Message) -> str | None:
    """What was kept of a payload that is no text, as Base64; None where it is text, or nothing was kept."""
    if message.payload is None or text_of(message) is not None:
        return None
    return base64.b64encode(bytes(message.payload)).decode()


def json_lines(messages: Iterable[Message]) -> Iterator[str]:
    """A line for each. `sent` and `received` are the client's."""
    for message in messages:
        text = text_of(message)
        line = {
            "time": message.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "connectionId": message.connection_id,
            "direction": "sent" if message.sender == "client" else "received",
            "bytes": message.octets,
        }
        if text is not None:
            line["text"] = text
        elif (binary := base64_of(message)) is not None:
            line["base64"] = binary
        if message.fields:
            line["redactedFields"] = message.fields
        if message.problem:
            line["notKept"] = message.problem
        yield json.dumps(line, ensure_ascii=False) + "\n"


def har(messages: Iterable[Message], connections: Mapping[str, Any], gateway: str) -> dict[str, Any]:
    """An entry for each connection. Its credential and its headers were never recorded."""
    said: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    begun: dict[str, datetime] = {}
    ended: dict[str, datetime] = {}
    for message in messages:
        begun.setdefault(message.connection_id, message.at)
        ended[message.connection_id] = message.at
        said[message.connection_id].append(
            {
                "type": "send" if message.sender == "client" else "receive",
                "time": message.at.timestamp(),
                "opcode": 1 if message.is_text else 2,
                "data": text_of(message) or base64_of(message) or "",
                **({"_notKept": message.problem} if message.problem else {}),
            }
        )
    entries = []
    for connection_id, heard in said.items():
        known = connections.get(connection_id)
        address = served_path(known.context, known.version) if known else ""
        since = known.started_at if known else begun[connection_id]
        until = (known.ended_at if known else None) or ended[connection_id]
        entries.append(
            {
                "_resourceType": "websocket",
                "_connectionId": connection_id,
                "startedDateTime": since.isoformat(),
                "time": max(0.0, (until - since).total_seconds() * 1000),
                "request": {**HALF, "method": "GET", "url": f"{gateway}{address}", "queryString": [], "bodySize": 0},
                "response": {
                    **HALF,
                    "status": 101,
                    "statusText": "Switching Protocols",
                    "content": {"size": 0, "mimeType": "x-unknown"},
                    "redirectURL": "",
                    "bodySize": -1,
                },
                "cache": {},
                "timings": {"send": 0, "wait": 0, "receive": 0},
                "_webSocketMessages": heard,
            }
        )
    creator = {"name": "API manager", "version": "1"}
    return {"log": {"version": "1.2", "creator": creator, "pages": [], "entries": entries}}
