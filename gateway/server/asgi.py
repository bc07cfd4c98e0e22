"""The gateway as one ASGI application: for its own workers, and with its control plane for any other server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from django.conf import settings

from gateway import refusals
from gateway.control.plane import ControlPlane
from gateway.handshake import head
from gateway.server.consumer import GatewayConsumer
from gateway.server.context import GatewayContext, Receive, Scope, Send
from gateway.server.http import client_of
from gateway.server.http_endpoints import HttpEndpoints


def open_context() -> tuple[GatewayContext, ControlPlane]:
    """What one worker needs. Made in its own process, in its event loop; the control plane is yet to be started."""
    control = ControlPlane()
    context = GatewayContext(
        routing=control.routing,
        connections=control.connections,
        dialer=control.dialer,
        telemetry=control.telemetry,
        plans=control.plans,
        identities=control.identities,
        not_ready=control.not_ready,
        write_access=settings.ACCESS_LOG,
        endpoints=HttpEndpoints(routing=control.routing, reauthentication=control.reauthentication, run=control.run),
    )
    return context, control


def gateway_application(context: GatewayContext) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The gateway for an ASGI server: WebSockets through `GatewayConsumer`, and what little plain HTTP there is."""
    consumer = GatewayConsumer.as_asgi(context=context)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await consumer(scope, receive, send)
        elif scope["type"] == "http":
            await _answer_plain_http(context, scope, send)
        else:
            raise ValueError(f"The gateway does not speak {scope['type']}.")

    return application


class StandaloneGateway:
    """The gateway for a server that was started by somebody else, for example `daphne apimanager.asgi:gateway`.

    The control plane starts with the server's lifespan, or with the first client where the server has none.
    """

    def __init__(self) -> None:
        self._starting: asyncio.Task[tuple[GatewayContext, ControlPlane]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the server's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            context, _ = await self._started()
            peer, port = scope.get("client") or ("", 0)
            if peer in settings.TRUSTED_PROXIES:  # the gateway's own server has settled this already
                address, scheme = client_of(settings.TRUSTED_PROXIES, peer, scope["headers"])
                scope["client"] = (address, port)
                if scheme and scope["type"] == "websocket":
                    scope["scheme"] = "wss" if scheme == "https" else "ws"
            await gateway_application(context)(scope, receive, send)

    async def _started(self) -> tuple[GatewayContext, ControlPlane]:
        if self._starting is None or (self._starting.done() and self._starting.exception()):
            self._starting = asyncio.create_task(_start())
        return await asyncio.shield(self._starting)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            kind = (await receive())["type"]
            if kind == "lifespan.startup":
                await self._started()
            elif kind == "lifespan.shutdown":
                _, control = await self._started()
                await control.stop()
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return


async def _start() -> tuple[GatewayContext, ControlPlane]:
    context, control = open_context()
    await control.start()
    return context, control


async def _answer_plain_http(context: GatewayContext, scope: Scope, send: Send) -> None:
    if scope["path"] == "/health" and scope["method"] in ("GET", "HEAD"):
        await _respond(send, 200, [(b"Content-Type", b"application/json")], json.dumps({"status": "ok"}).encode())
        return
    if scope["path"] == "/ready" and scope["method"] in ("GET", "HEAD"):
        await _answer_ready(context, send)
        return
    if context.endpoints and (answered := await context.endpoints.answer(scope)):
        await _respond(send, answered.status, answered.headers, answered.body)
        return
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    refusal = refusals.not_found() if context.routing.routes.match(raw) is None else refusals.upgrade_required()
    await _respond(send, refusal.status, head.refusal_headers(refusal), head.refusal_body(refusal))


async def _answer_ready(context: GatewayContext, send: Send) -> None:
    """Whether this worker takes newcomers, for load balancers and service managers."""
    why_not = context.not_ready()
    document = {"status": "not ready", "reason": why_not} if why_not else {"status": "ready"}
    headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
    await _respond(send, 503 if why_not else 200, headers, json.dumps(document).encode())


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = str(len(body)).encode()
    framed = [*headers, (b"Content-Length", length), (b"Connection", b"close")]
    lowered = [(name.lower(), value) for name, value in framed]
    await send({"type": "http.response.start", "status": status, "headers": lowered})
    await send({"type": "http.response.body", "body": body})
