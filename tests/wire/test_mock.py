"""A mock answers through the gateway as a backend does: relayed, limited, and closed with its own words."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.relay.messages import connect as relay_by_message
from gateway.upstream.dialer import BackendAddress, Dialer
from gateway.upstream.handshake import UpgradeRequest
from publisher.endpoint import EndpointOptions
from publisher.mock import OFF, Mock, clean_mock
from tests.wire.gateway_under_test import Gateway, running

pytestmark = pytest.mark.wire


def mocked(**given: Any) -> Mock:
    mock = Mock.from_document({**OFF, **clean_mock({"is_on": True, **given})})
    assert mock
    return mock


def client_of(gateway: Gateway, **options: Any) -> connect:
    return connect(gateway.url, additional_headers=gateway.headers, **options)


async def heard(client: ClientConnection, number: int) -> list[str | bytes]:
    return [await client.recv() for _ in range(number)]


async def test_a_mock_greets_replies_and_echoes_through_the_relay() -> None:
    mock = mocked(on_connect=["welcome", "héllo"], replies=["ping => pong"], echo=True)
    async with running("ws://mock.invalid", mock=mock) as gateway:
        async with client_of(gateway, subprotocols=["chat", "other"]) as client:
            assert client.subprotocol == "chat"
            assert await heard(client, 2) == ["welcome", "héllo"]
            await client.send("ping")
            await client.send([b"\x00", b"\xff"])  # two fragments
            await client.send("back")
            assert await heard(client, 3) == ["pong", b"\x00\xff", "back"]
            assert client.protocol.extensions == []
        await gateway.until_quiet()
        traffic = gateway.ended[0].traffic()
        assert (traffic.messages_in, traffic.messages_out) == (3, 5)


async def test_a_script_bursts_pauses_and_closes_with_its_code() -> None:
    script = ["burst 500 tick", "pause 0.1", "send last", "close 4321 au revoir"]
    async with running("ws://mock.invalid", mock=mocked(script=script)) as gateway, client_of(gateway) as client:
        assert await heard(client, 501) == ["tick"] * 500 + ["last"]
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "au revoir")


async def test_messages_come_again_and_again_and_a_script_repeats() -> None:
    mock = mocked(every=0.1, in_turn=["a", "b"], script=["pause 0.1", "send s", "repeat"])
    async with running("ws://mock.invalid", mock=mock) as gateway, client_of(gateway) as client:
        said = await heard(client, 9)
    assert [each for each in said if each != "s"][:3] == ["a", "b", "a"]
    assert said.count("s") >= 2


async def test_a_mock_ends_with_its_client() -> None:
    mock = mocked(script=["send x"], every=3600, in_turn=["y"])
    before = len(asyncio.all_tasks())
    async with running("ws://mock.invalid", mock=mock) as gateway:
        async with asyncio.TaskGroup() as clients:
            for _ in range(5):
                clients.create_task(come_and_go(gateway))
        await gateway.until_quiet()
    for _ in range(500):
        if len(asyncio.all_tasks()) <= before:
            break
        await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) <= before


async def come_and_go(gateway: Gateway) -> None:
    async with client_of(gateway) as client:
        await client.recv()
        client.transport.abort()


async def test_a_mock_answers_where_messages_are_relayed_one_by_one() -> None:
    address = BackendAddress("ws://mock.invalid/app", "key", mocked(replies=["ping => pong"]))
    backend = await relay_by_message(Dialer(), [address], UpgradeRequest((), "", ()), EndpointOptions())
    async with backend:
        await backend.send("ping")
        assert await backend.recv() == "pong"


async def test_a_client_may_send_what_the_api_allows_and_no_more() -> None:
    async with running("ws://mock.invalid", mock=mocked(echo=True), runtime={"message_bytes": 5}) as gateway:
        async with client_of(gateway, compression=None) as client:
            await client.send("12345")
            assert await client.recv() == "12345"
            await client.send("123456")
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
        assert closed.value.rcvd
        assert (closed.value.rcvd.code, "limit of 5 bytes" in closed.value.rcvd.reason) == (1009, True)


async def test_a_message_that_is_too_long_ends_the_conversation_and_nothing_else() -> None:
    async with running("ws://mock.invalid", mock=mocked(echo=True)) as gateway:
        async with client_of(gateway) as client:
            await client.send("x" * 1_048_577)
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1009
        async with client_of(gateway) as client:
            await client.send("again")
            assert await client.recv() == "again"
