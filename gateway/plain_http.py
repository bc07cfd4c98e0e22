"""Plain HTTP on the gateway's ports: whether it lives and takes newcomers, its desk, and refusals for all else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway import closing, head

if TYPE_CHECKING:
    from gateway.consumers import Door, Scope, Send


async def answer(door: Door, scope: Scope, send: Send) -> None:
    if scope["path"] == "/health" and scope["method"] in ("GET", "HEAD"):
        await _respond(send, 200, [(b"Content-Type", b"application/json")], json.dumps({"status": "ok"}).encode())
        return
    if scope["path"] == "/ready" and scope["method"] in ("GET", "HEAD"):
        await _answer_ready(door, send)
        return
    if door.desk and (answered := await door.desk.answer(scope)):
        await _respond(send, answered.status, answered.headers, answered.body)
        return
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    refusal = closing.not_found() if door.catalogue.routes.match(raw) is None else closing.upgrade_required()
    await _respond(send, refusal.status, head.refusal_headers(refusal), head.refusal_body(refusal))


async def _answer_ready(door: Door, send: Send) -> None:
    """Whether this worker takes newcomers, for load balancers and service managers."""
    why_not = door.not_ready()
    document = {"status": "not ready", "reason": why_not} if why_not else {"status": "ready"}
    headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
    await _respond(send, 503 if why_not else 200, headers, json.dumps(document).encode())


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = str(len(body)).encode()
    framed = [*headers, (b"Content-Length", length), (b"Connection", b"close")]
    lowered = [(name.lower(), value) for name, value in framed]
    await send({"type": "http.response.start", "status": status, "headers": lowered})
    await send({"type": "http.response.body", "body": body})
