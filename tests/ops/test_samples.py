"""The sample backends: an echo, and a chat of many rooms."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve
from websockets.exceptions import InvalidStatus

from apimanager import samples

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with serve(partial(samples.answer, {}), "127.0.0.1", 0, process_request=samples.admit) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def hear(connection: ClientConnection) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(await asyncio.wait_for(connection.recv(), 5))
    return said


async def test_the_echo_sends_back_text_and_bytes_as_they_came(address: str) -> None:
    async with connect(f"{address}/echo") as connection:
        for message in ("hello", b"\x00\xff", ""):
            await connection.send(message)
            assert await connection.recv() == message


async def test_everybody_in_a_room_hears_what_is_said_there_and_nobody_else(address: str) -> None:
    async with (
        connect(f"{address}/chat/rooms/tea?name=carol") as carol,
        connect(f"{address}/chat/rooms/coffee?name=mallory") as mallory,
        connect(f"{address}/chat/rooms/tea?name=bob") as bob,
    ):
        assert (await hear(carol))["presence"] == "join"
        assert (await hear(mallory))["presence"] == "join"
        assert (await hear(bob))["from"] == "bob"
        assert (await hear(carol))["from"] == "bob"
        await carol.send("good morning")
        for connection in (carol, bob):
            said = await hear(connection)
            assert (said["room"], said["from"], said["text"]) == ("tea", "carol", "good morning")
            assert datetime.fromisoformat(said["at"]).tzinfo
        await mallory.send("anybody?")
        assert (await hear(mallory))["text"] == "anybody?"


async def test_who_leaves_is_announced_to_those_who_stay(address: str) -> None:
    async with connect(f"{address}/chat/rooms/tea?name=carol") as carol:
        await hear(carol)
        async with connect(f"{address}/chat/rooms/tea?name=bob"):
            await hear(carol)
        said = await hear(carol)
    assert (said["from"], said["presence"]) == ("bob", "leave")


async def test_a_newcomer_hears_what_was_said_before(address: str) -> None:
    async with connect(f"{address}/chat/rooms/tea?name=carol") as carol:
        await carol.send("first")
        assert [(await hear(carol)).get("text") for _ in range(2)] == [None, "first"]
        async with connect(f"{address}/chat/rooms/tea?name=bob") as bob:
            assert (await hear(bob))["text"] == "first"


async def test_an_empty_room_is_forgotten(address: str) -> None:
    async with connect(f"{address}/chat/rooms/tea?name=carol") as carol:
        await carol.send("first")
        await hear(carol)
        await hear(carol)
    async with connect(f"{address}/chat/rooms/tea?name=bob") as bob:
        assert (await hear(bob))["presence"] == "join"


@pytest.mark.parametrize("path", ["/", "/chat/rooms", "/chat/rooms/", "/chat/rooms/a/b", "/echo/more"])
async def test_an_address_where_nothing_is_answers_404(address: str, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{address}{path}")
    assert refused.value.response.status_code == 404


async def test_the_chat_alone_is_its_lobby(address: str) -> None:
    async with connect(f"{address}/chat") as connection:
        said = await hear(connection)
    assert (said["room"], said["from"], said["presence"]) == ("lobby", "somebody", "join")


def test_history_is_bounded() -> None:
    room, carol = samples.Room("tea"), samples.Member("carol")
    for number in range(samples.HISTORY + 10):
        room.say(carol, str(number), NOW)
    assert [json.loads(line)["text"] for line in room.history] == [str(n) for n in range(10, samples.HISTORY + 10)]


def test_a_member_who_does_not_read_is_marked_and_holds_no_more_than_the_bound() -> None:
    room, slow = samples.Room("tea"), samples.Member("slow")
    room.join(slow, NOW)
    for _ in range(samples.WAITING - 1):
        room.say(slow, "…", NOW)
    assert not slow.too_slow.is_set()
    room.say(slow, "one too many", NOW)
    assert slow.too_slow.is_set()
    assert slow.waiting.qsize() == samples.WAITING
