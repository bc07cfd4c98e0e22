"""The relay of messages, between a backend and a server that only remember."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.quotas.meter import FREE, Wait
from gateway.relay.messages import MessageRelay
from publisher.endpoint import EndpointOptions
from tests.environment import PATIENCE


class Backend:
    """Has one message to say, and then waits to be closed."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.said.put_nowait("good morning")
        self.closed: tuple[int, str] | None = None

    async def recv(self) -> str:
        return await self.said.get()

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


class Rate:
    """A limit that never gives way."""

    def __init__(self) -> None:
        self.waiting: set[Any] = set()
        self.is_asked = asyncio.Event()

    def take(self, messages: int, octets: int) -> bool:
        return False

    def blocked(self, messages: int, octets: int, now: float) -> Wait:
        source: Any = self
        return Wait(source, now + 3600)

    def hold(self, resume: Any) -> None:
        self.waiting.add(resume)
        self.is_asked.set()

    def forget(self, resume: Any) -> None:
        self.waiting.discard(resume)


async def test_nothing_waits_for_the_plan_of_a_client_that_is_gone() -> None:
    backend, rate, ended = Backend(), Rate(), asyncio.Event()
    parts: Any = (backend, rate)

    async def send(message: dict[str, Any]) -> None:
        raise AssertionError(f"{message} got past the plan")

    relay = MessageRelay(parts[0], send, ended.set, EndpointOptions(), meters=(FREE, parts[1]))
    relay.start()
    async with asyncio.timeout(PATIENCE):
        await rate.is_asked.wait()
        assert rate.waiting
        await relay.client_gone(1001, "bye")
        while rate.waiting:
            await asyncio.sleep(0)
    assert ended.is_set()
    assert backend.closed == (1001, "bye")
