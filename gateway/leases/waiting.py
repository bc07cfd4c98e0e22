"""Waiting for a plan without a transport to hold."""

from __future__ import annotations

import asyncio

from gateway.metering import Source


async def renewed(source: Source) -> None:
    """Wait until it is worth trying again to draw from `source`."""
    future = asyncio.get_running_loop().create_future()

    def resume() -> None:
        if not future.done():
            future.set_result(None)

    source.hold(resume)
    try:
        await future
    finally:
        source.forget(resume)
