"""Backends to try the product with: an echo, and a small chat of many rooms. They listen on loopback only.

`ws://localhost:9900/echo` sends back what it gets. `ws://localhost:9900/chat/rooms/{room}?name=carol` joins a room, and
`/chat` alone the room called lobby: a text sent is heard by everybody in the room as `{"room", "from", "text", "at"}`,
one JSON object a message; who comes and goes is said with `{"room", "from", "presence": "join" | "leave", "at"}`; the
last fifty texts greet a newcomer.
"""

import asyncio
import json
import re
import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

HISTORY = 50  # texts of a room that a newcomer hears
ROOMS = 1000
WAITING = 256  # messages that may wait for a slow reader before it is let go
LONGEST_TEXT = 4096  # characters
LONGEST_NAME = 64
TOO_SLOW = 1013
LAST_WORDS = 2.0  # seconds that clients have to answer the close
ROOM_PATH = re.compile(r"/chat(?:/rooms/([^/]{1,64}))?/?")
LOBBY = "lobby"


@dataclass(eq=False)
class Member:
    """Somebody in a room, with what is still to be sent to them."""

    name: str
    waiting: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(WAITING))
    too_slow: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, line: str) -> None:
        """Queue a line; a member whose queue is full is marked too slow and hears no more."""
        try:
            self.waiting.put_nowait(line)
        except asyncio.QueueFull:
            self.too_slow.set()


@dataclass(eq=False)
class Room:
    """Who is there and what was said last."""

    name: str
    members: set[Member] = field(default_factory=set)
    history: deque[str] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def join(self, member: Member, now: datetime) -> None:
        """Let a member in: they hear the history, everybody hears of them."""
        for line in self.history:
            member.hear(line)
        self.members.add(member)
        self._tell(member, now, presence="join")

    def say(self, member: Member, text: str, now: datetime) -> None:
        """Tell everybody, the speaker included, and remember it."""
        self.history.append(self._tell(member, now, text=text[:LONGEST_TEXT]))

    def leave(self, member: Member, now: datetime) -> None:
        """Let a member go and tell the others."""
        self.members.discard(member)
        self._tell(member, now, presence="leave")

    def _tell(self, member: Member, now: datetime, **said: str) -> str:
        """Tell everybody; the line that they hear."""
        told = {"room": self.name, "from": member.name, **said, "at": now.isoformat()}
        line = json.dumps(told, ensure_ascii=False)
        for each in self.members:
            each.hear(line)
        return line


def run(port: int, host: str = "127.0.0.1") -> None:
    """Serve the samples until SIGTERM or SIGINT."""
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_samples(host, port))


async def serve_samples(host: str, port: int) -> None:
    """Serve the samples until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    server = await serve(partial(answer, {}), host, port, process_request=admit, server_header=None, reuse_address=True)
    await stopped.wait()
    server.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), LAST_WORDS)


async def answer(rooms: dict[str, Room], connection: ServerConnection) -> None:
    """Echo what a client sends, or keep it in a room until it leaves, or reads too slowly.

    A room lives as long as somebody is in it.
    """
    address = urlsplit(connection.request.path if connection.request else "")
    found = ROOM_PATH.fullmatch(unquote(address.path))
    with suppress(ConnectionClosed):
        if found is None:
            async for message in connection:
                await connection.send(message)
            return
        room_name = found[1] or LOBBY
        room = rooms.setdefault(room_name, Room(room_name))
        member = Member(parse_qs(address.query).get("name", ["somebody"])[0][:LONGEST_NAME])
        room.join(member, datetime.now(UTC))
        telling = asyncio.create_task(_tell(connection, member))
        try:
            async for message in connection:
                text = message if isinstance(message, str) else message.decode(errors="replace")
                room.say(member, text, datetime.now(UTC))
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            room.leave(member, datetime.now(UTC))
            if not room.members:
                rooms.pop(room_name, None)


def admit(connection: ServerConnection, request: Request) -> Response | None:
    """Answer addresses where nothing is with 404, and `/health` with 200; let the rest become WebSockets."""
    path = unquote(urlsplit(request.path).path)
    if path == "/health":
        return connection.respond(HTTPStatus.OK, "ok\n")
    if path == "/echo" or ROOM_PATH.fullmatch(path):
        return None
    return connection.respond(HTTPStatus.NOT_FOUND, "There is /echo, /chat and /chat/rooms/{room}?name={you}.\n")


async def _tell(connection: ServerConnection, member: Member) -> None:
    """Send a member what waits for it, until it reads too slowly: then its connection is ended."""

    async def send() -> None:
        with suppress(ConnectionClosed):
            while True:
                await connection.send(await member.waiting.get())

    sending = asyncio.create_task(send())
    try:
        await member.too_slow.wait()
        await connection.close(TOO_SLOW, "You read too slowly.")
    finally:
        sending.cancel()
