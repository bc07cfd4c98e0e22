"""Plans on the wire under attack and under ill luck: whoever is held, is held fairly, cheaply, and to the byte."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.frames import BINARY, TEXT
from gateway.limits import CLIENT, Limits
from publisher.endpoint import EndpointOptions
from tests.wire.peers import frame, raw_backend, raw_client
from tests.wire.test_plans import metered

pytestmark = pytest.mark.wire


async def test_a_client_that_is_only_delayed_is_not_closed_as_idle(tmp_path: Path) -> None:
    plan, options = Limits(rate=1, burst=1, counted=CLIENT), EndpointOptions(idle_timeout=0.3, ping_interval=0)
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path, options=options) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        message = frame(BINARY, b"x", masked=True)
        await client.send(message * 3)
        for _ in range(2):
            assert await behind.read(len(message)) == message
        assert world.gateway.lines


async def test_what_is_held_is_not_read_again_for_each_message_that_may_go(tmp_path: Path) -> None:
    plan = Limits(rate=1000, burst=1, counted=CLIENT)
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        pair = frame(BINARY, b"", masked=True) + frame(TEXT, b"x", masked=True)
        await client.send(pair * 20_000)
        begun = time.process_time()
        assert await behind.read(len(pair) * 500) == pair * 500  # takes a second
        assert time.process_time() - begun < 0.4
