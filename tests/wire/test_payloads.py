"""Payloads are held against the schemas of their topic on the wire, compressed as clients and backends like it."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.relay.checked import CheckedRelay
from gateway.routing.topics import Topic
from publisher.runtime import ValidationMode
from tests.gateway.relay.test_checked import BAD, CHECK, GOOD, WHY
from tests.wire.gateway_under_test import running
from tests.wire.peers import websockets_backend

pytestmark = pytest.mark.wire

TOPICS = [Topic("/rooms/{id}", client=CHECK), Topic("/free")]


def runtime(mode: ValidationMode) -> dict[str, Any]:
    return {"validation": mode, "topics": TOPICS}


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_client_is_closed_with_1007_where_its_message_does_not_fit(compression: str | None) -> None:
    async with (
        websockets_backend(compression=compression) as backend,
        running(backend, runtime=runtime(ValidationMode.ENFORCE)) as gateway,
    ):
        url = f"{gateway.url}/rooms/1"
        async with connect(url, additional_headers=gateway.headers, compression=compression) as client:
            assert bool(client.protocol.extensions) == bool(compression)
            for _ in range(2):
                await client.send([GOOD[:4].decode(), GOOD[4:].decode()])
                assert await client.recv() == GOOD.decode()
            await client.send(BAD.decode())
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
        assert closed.value.rcvd
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1007, WHY)
        await gateway.until_quiet()
        assert isinstance(gateway.ended[0], CheckedRelay)
        assert gateway.ended[0].close_info().backend_code == 1001
        assert gateway.context.telemetry.counters.snapshot()["violations"] == [[["Echo", "1.0.0", "in"], 1]]


async def test_a_topic_without_schemas_and_an_api_without_validation_are_relayed_by_the_plain_relay() -> None:
    async with websockets_backend() as backend:
        for mode, topic in ((ValidationMode.ENFORCE, "free"), (ValidationMode.OFF, "rooms/1")):
            async with (
                running(backend, runtime=runtime(mode)) as gateway,
                connect(f"{gateway.url}/{topic}", additional_headers=gateway.headers) as client,
            ):
                await client.send(BAD)
                assert await client.recv() == BAD
                assert not any(isinstance(relay, CheckedRelay) for relay in gateway.worker.config.relays)
