"""The gateway with its own control plane: for its workers, and as one ASGI application for any other server."""

from __future__ import annotations

import asyncio

from django.conf import settings

from gateway.consumers import Door, Receive, Scope, Send, gateway_application
from gateway.control import Control


def open_door() -> tuple[Door, Control]:
    """What one worker needs. Made in its own process, in its event loop; the control plane is yet to be started."""
    control = Control()
    door = Door(
        catalogue=control.catalogue,
        connections=control.connections,
        upstreams=control.upstreams,
        observer=control.observer,
        plans=control.plans,
        not_ready=control.not_ready,
        write_access=settings.ACCESS_LOG,
        desk=control.desk,
    )
    return door, control


class Standalone:
    """The gateway for a server that was started by somebody else, for example `daphne apimanager.asgi:gateway`.

    The control plane starts with the server's lifespan, or with the first client where the server has none.
    """

    def __init__(self) -> None:
        self._starting: asyncio.Task[tuple[Door, Control]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the server's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            door, _ = await self._started()
            await gateway_application(door)(scope, receive, send)

    async def _started(self) -> tuple[Door, Control]:
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


async def _start() -> tuple[Door, Control]:
    door, control = open_door()
    await control.start()
    return door, control
