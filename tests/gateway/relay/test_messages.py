"""The relay of messages, between a backend and a server that only remember."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.payloads.schemas import Checks, Misfit
from gateway.quotas.meter import FREE, Wait
from gateway.relay.messages import MessageRelay
from publisher.endpoint import EndpointOptions
from publisher.runtime import ValidationMode
from tests.environment import PATIENCE
from tests.gateway.relay.test_checked import BAD, CHECK, GOOD, WHY


class Backend:
    """Has one message to say, and then waits to be closed."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.said.put_nowait("good morning")
        self.heard: list[str | bytes] = []
        self.closed: tuple[int, str] | None = None

    async def recv(self) -> str:
        return await self.said.get()

    async def send(self, message: str | bytes) -> None:
        self.heard.append(message)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


class Rate:
    """A limit that never gives way."""

    def __init__(self) -> None:
        self.waiting = dict[Any, None]()
        self.is_asked = asyncio.Event()

    def take(self, messages: int, octets: int) -> bool:
        return False

    def blocked(self, messages: int, octets: int, now: float) -> Wait:
        source: Any = self
        return Wait(source, now + 3600)

    def hold(self, resume: Any) -> None:
        self.waiting[resume] = None
        self.is_asked.set()


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


@pytest.mark.parametrize(
    ("mode", "heard", "closed"),
    [
        (ValidationMode.REPORT, [GOOD.decode(), BAD, b"\xff"], None),
        (ValidationMode.ENFORCE, [GOOD.decode()], {"type": "websocket.close", "code": 1007, "reason": WHY}),
    ],
)
async def test_messages_are_held_against_the_schemas_of_their_topic(
    mode: ValidationMode, heard: list[str | bytes], closed: dict[str, Any] | None
) -> None:
    backend, sent, ended, misfits = Backend(), list[dict[str, Any]](), asyncio.Event(), list[Misfit]()
    parts: Any = (backend,)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    checking: Any = {"longest_checked": 1000, "on_misfit": lambda sender, misfit: misfits.append(misfit)}
    relay = MessageRelay(parts[0], send, ended.set, EndpointOptions(), checks=Checks(mode, CHECK, None), **checking)
    await relay.from_client(GOOD.decode(), None)
    await relay.from_client(None, BAD)
    async with asyncio.timeout(PATIENCE):
        await (relay.from_client(None, b"\xff") if closed is None else ended.wait())
        while closed and backend.closed is None:
            await asyncio.sleep(0)
    assert backend.heard == heard
    assert sent == ([closed] if closed else [])
    assert backend.closed == ((1001, "The gateway closed this connection.") if closed else None)
    assert str(misfits[0].describe()) == WHY


async def test_a_backend_that_says_what_does_not_fit_is_told_where() -> None:
    backend, sent, ended = Backend(), list[dict[str, Any]](), asyncio.Event()
    parts: Any = (backend,)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    checks = Checks(ValidationMode.ENFORCE, None, CHECK)
    relay = MessageRelay(parts[0], send, ended.set, EndpointOptions(), checks=checks, longest_checked=1000)
    relay.start()
    async with asyncio.timeout(PATIENCE):
        await ended.wait()
        while backend.closed is None:
            await asyncio.sleep(0)
    assert [message["code"] for message in sent] == [1014]
    assert backend.closed[0] == 1007
    assert relay.close_info()[:3] == ("gateway", 1014, 1007)
