"""The gateway as one ASGI application: for its own workers, and with its control plane for any other server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

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
        tracing=control.tracing,
        plans=control.plans,
        identities=control.identities,
        not_ready=control.not_ready,
        write_access=settings.ACCESS_LOG,
        longest_checked=settings.PAYLOAD_CHECK_BYTES,
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


@dataclass(eq=False, repr=False)
class StandaloneGateway:
    """The gateway for a server that was started by somebody else, for example `daphne apimanager.asgi:gateway`.

    The control plane starts with the server's lifespan, or with the first client where the server has none.
    """

    _opened: tuple[GatewayContext, ControlPlane] | None = field(default=None, init=False)
    _starting: asyncio.Task[None] | None = field(default=None, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the server's lifespan."""
        if scope["type"] != "lifespan":
            context, _ = await self._started()
            peer, port = scope.get("client") or ("", 0)
            if peer in settings.TRUSTED_PROXIES:  # the gateway's own server has settled this already
                address, scheme = client_of(settings.TRUSTED_PROXIES, peer, scope["headers"])
                scope["client"] = (address, port)
                if scheme and scope["type"] == "websocket":
                    scope["scheme"] = "wss" if scheme == "https" else "ws"
            await gateway_application(context)(scope, receive, send)
            return
        kind = ""
        while kind != "lifespan.shutdown":
            kind = (await receive())["type"]
            if kind in ("lifespan.startup", "lifespan.shutdown"):
                _, control = await self._started()
                if kind == "lifespan.shutdown":
                    await control.stop()
            await send({"type": f"{kind}.complete"})

    async def _started(self) -> tuple[GatewayContext, ControlPlane]:
        """Begun once, and anew after a failure; whoever comes meanwhile waits for the same end."""
        if not self._opened or not self._starting or (self._starting.done() and self._starting.exception()):
            self._opened = open_context()
            self._starting = asyncio.create_task(self._opened[1].start())
        opened = self._opened
        await asyncio.shield(self._starting)
        return opened


async def _answer_plain_http(context: GatewayContext, scope: Scope, send: Send) -> None:
    headers = [(b"Content-Type", b"application/json")]
    is_read = scope["method"] in ("GET", "HEAD")
    if scope["path"] == "/health" and is_read:
        status, body = 200, json.dumps({"status": "ok"}).encode()
    elif scope["path"] == "/ready" and is_read:
        # Whether this worker takes newcomers, for load balancers and service managers.
        why_not = context.not_ready()
        document = {"status": "not ready", "reason": why_not} if why_not else {"status": "ready"}
        status, body = 503 if why_not else 200, json.dumps(document).encode()
        headers.append((b"Cache-Control", b"no-store"))
    elif context.endpoints and (answered := await context.endpoints.answer(scope)):
        status, headers, body = answered.status, answered.headers, answered.body
    else:
        raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        refusal = refusals.NOT_FOUND if context.routing.routes.match(raw) is None else refusals.UPGRADE_REQUIRED
        status, headers, body = refusal.status, head.refusal_headers(refusal), head.refusal_body(refusal)
    framed = [*headers, (b"Content-Length", str(len(body)).encode()), (b"Connection", b"close")]
    lowered = [(name.lower(), value) for name, value in framed]
    await send({"type": "http.response.start", "status": status, "headers": lowered})
    await send({"type": "http.response.body", "body": body})
