"""The flight recorder listens to connections that the C relay or the Python one carries, and lets go of them again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect

from gateway.connections.registry import ConnectionRegistry
from gateway.observability.telemetry import Telemetry
from gateway.recording import store
from gateway.recording.recorder import Recorder
from gateway.recording.store import ActiveRecording
from tests.wire.gateway_under_test import running
from tests.wire.peers import websockets_backend

pytestmark = pytest.mark.wire


class Harness:
    """A recorder whose rows stay here."""

    def __init__(self, connections: ConnectionRegistry) -> None:
        self.active: list[ActiveRecording] = []
        self.recorder = Recorder(run=self.run, connections=connections, redacted_of=lambda api_id: ())

    async def run(self, work: Any) -> Any:
        assert work.func is store.active
        return self.active

    async def record(self, *, is_on: bool = True) -> None:
        until = datetime.now(UTC) + timedelta(minutes=1)
        self.active = [ActiveRecording(uuid4(), "/echo@1.0.0", "app", "", until)] if is_on else []
        await self.recorder.refresh()

    @property
    def said(self) -> list[tuple[str, bytes | None]]:
        return [(each.sender, each.payload) for rows in self.recorder.waiting.values() for each in rows]


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_recording_that_comes_and_goes_loses_no_message(compression: str | None) -> None:
    async with websockets_backend(compression=compression) as backend, running(backend) as gateway:
        harness = Harness(gateway.context.connections)
        gateway.context.telemetry = Telemetry(recorder=harness.recorder)
        async with connect(gateway.url, additional_headers=gateway.headers, compression=compression) as client:
            for number, is_on in enumerate((False, True, False, True)):
                await harness.record(is_on=is_on)
                for text in (f"{number} is short", f"{number} is long " * 20_000):
                    await client.send(text)
                    assert await client.recv() == text
        # Of what is compressed with what went before, only that it passed can be told of one that was open already.
        late = [payload for _, payload in harness.said]
        assert len(late) == 8
        assert late == [None] * 8 if compression else late.count(b"1 is short") == 2
        async with connect(gateway.url, additional_headers=gateway.headers, compression=compression) as client:
            await client.send("from the first")
            assert await client.recv() == "from the first"
        assert harness.said[-2:] == [("client", b"from the first"), ("backend", b"from the first")]
        await gateway.until_quiet()
        assert harness.recorder.recorded == {}
        assert [each.traffic().messages_in for each in gateway.ended] == [8, 1]
