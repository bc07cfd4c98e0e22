"""The closing handshake that the engine sees to by itself ends as it does where the relay sees to all of it."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gateway.native.loop import NativeLoop
from gateway.relay.frames import BINARY, PING, FrameScanner, is_sendable
from gateway.relay.side import Leg
from gateway.relay.splice import Relay
from gateway.relay.timer_wheel import TimerWheel
from gateway.relay.types import RelayOptions
from tests.environment import PATIENCE
from tests.wire.peers import close_frame, frame

LONG = 60.0  # seconds that do not pass: how long a closing handshake may take is said to be over
OPTIONS = RelayOptions(ping_interval=0, handshake=LONG)


class Unspliced(Leg):
    """A side of which all comes up to Python."""

    def splice(self) -> None: ...


@dataclass
class Peer:
    """A client or a backend. Pairs of sockets of this machine: what one end has done, the other sees at once."""

    sock: socket.socket
    is_client: bool
    heard: bytes = b""

    def send(self, data: bytes) -> None:
        with suppress(OSError):
            self.sock.send(data)

    def say(self, opcode: int) -> None:
        self.send(frame(opcode, b"what was said", masked=self.is_client))

    def close(self, code: int | None) -> None:
        self.send(close_frame(code, "that was all", masked=self.is_client))

    def end(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        self.sock.close()

    def listen(self) -> bool:
        """Whether it has heard the end."""
        try:
            while said := self.sock.recv(65536):
                self.heard += said
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def understood(self) -> tuple[int, list[tuple[int, bytes]]]:
        """Messages, and control frames: a mask of the gateway's is another each time."""
        scanner = FrameScanner(masked=not self.is_client)
        scanner.feed(self.heard)
        return scanner.messages, [(control.opcode, control.payload) for control in scanner.controls]


@dataclass
class Played:
    """A relay with both of its peers."""

    make_leg: Callable[..., Leg]
    ended: list[Relay] = field(default_factory=list)

    async def begin(self) -> None:
        loop = cast(NativeLoop, asyncio.get_running_loop())
        transports, peers = [], []
        for is_client in (True, False):
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            theirs.setblocking(False)
            transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, ours)
            transports.append(transport)
            peers.append(Peer(theirs, is_client))
        self.client, self.backend = peers
        wheel = TimerWheel(loop, tick=0.02)
        options: dict[str, Any] = {"options": OPTIONS, "wheel": wheel, "loop": loop, "make_leg": self.make_leg}
        self.relay = Relay(*transports, on_end=self.ended.append, **options)
        self.relay.start()

    async def do(self, deed: str) -> None:
        who, what = deed.split()
        peer = self.client if who == "client" else self.backend
        match what:
            case "closes":
                peer.close(1000 if peer.is_client else 3001)
            case "closes-codeless":
                peer.send(close_frame(None, masked=peer.is_client))
            case "closes-wrongly":
                peer.send(close_frame(1005, masked=peer.is_client))
            case "closes-badly":
                peer.send(frame(8, b"\x03\xe8\xff", masked=peer.is_client))
            case "closes-shortly":
                peer.send(frame(8, b"\x03", masked=peer.is_client))
            case "talks-and-closes":
                peer.say(BINARY)
                peer.close(4000)
            case "floods":  # more than its other side's socket has room for, and less than has the gateway pause
                peer.send(frame(BINARY, bytes(30_000), masked=peer.is_client))
            case "talks":
                peer.say(BINARY)
            case "halves":
                peer.send(frame(BINARY, b"what was said", masked=peer.is_client)[:-3])
            case "pings":
                peer.say(PING)
            case "ends":
                peer.end()
            case "reads":
                peer.listen()
            case "vanishes":  # which tears up the connection if there is something that it has not read
                peer.vanish()
            case "close" | "leave":
                getattr(self.relay, what)(4002, "enough")
            case "retire":
                self.relay.retire(1012, "enough", LONG)
                return  # what comes next finds it as it is before it has begun
            case "looks":
                self.relay.look(self.relay.loop.time())
            case "finish" | "abort":
                getattr(self.relay, what)()
        for _ in range(6):
            await asyncio.sleep(0)

    async def result(self) -> Any:
        """What either heard, and what the gateway tells of it."""
        for late in range(3):
            for _ in range(30):
                for each in (self.client, self.backend):
                    if each.listen():
                        each.vanish()
                await asyncio.sleep(0)
            if not self.ended:
                self.relay.look(self.relay.loop.time() + 1 + LONG * (late + 1))
        (relay,) = self.ended
        heard = []
        for each in (self.client, self.backend):
            each.listen()
            heard.append(each.understood())
            each.vanish()
        return heard, relay.close_info(), relay.cause, relay.traffic(), relay.client.is_ahead


async def outcome(deeds: list[str], make_leg: Callable[..., Leg]) -> Any:
    played = Played(make_leg)
    await played.begin()
    for deed in deeds:
        await played.do(deed)
    if not played.relay.cause:  # what else it should end by is not of interest
        await played.do("client closes")
    return await played.result()


SAYS = ["closes", "closes", "closes-codeless", "closes-wrongly", "closes-badly", "closes-shortly", "talks-and-closes"]
DOES = [*SAYS, "talks", "floods", "floods", "halves", "pings", "reads", "ends", "vanishes", "vanishes"]
DEEDS = [f"{who} {what}" for who in ("client", "backend") for what in DOES]
DEEDS += [f"gateway {what}" for what in ("close", "leave", "finish", "abort", "looks", "looks")]


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_comes_between_it_ends_as_if_the_relay_had_seen_to_all(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    begins = [f"{who} {what}" for who in ("client", "backend") for what in SAYS]
    played = [[chance.choice(begins), *chance.choices(DEEDS, k=chance.randint(0, 3))] for _ in range(60)]
    played += [[*deeds, "gateway retire", "client closes"] for deeds in ([], ["client closes"], ["backend closes"])]
    # One of them is gone, and the other still to be closed, when the relay takes over.
    played.append(["backend floods", "client closes", "backend closes", "backend vanishes", "gateway looks"])
    played.append(["client floods", "client closes", "backend closes", "gateway looks"])
    engine = await asyncio.gather(*(outcome(deeds, Leg) for deeds in played))
    python = await asyncio.gather(*(outcome(deeds, Unspliced) for deeds in played))
    for deeds, one, other in zip(played, engine, python, strict=True):
        assert one == other, deeds


@pytest.mark.parametrize("code", [0, *range(999, 1017), 2999, 3000, 4999, 5000, 65535])
async def test_the_engine_takes_the_closes_with_a_code_that_may_be_sent_and_no_other(code: int) -> None:
    played = Played(Leg)
    await played.begin()
    played.backend.close(code)
    await played.do("client reads")
    assert bool(played.relay.client.is_ahead) is is_sendable(code)
    await played.do("client closes")
    await played.result()


@pytest.mark.parametrize("first", ["client", "backend"])
async def test_the_ordinary_one_is_told_once_when_both_are_gone(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def listened_to(name: str) -> Callable[..., Any]:
        real = getattr(Leg, name)

        def tell(*given: Any) -> Any:
            told.append(name)
            return real(*given)

        return tell

    for name in ("data_received", "eof_received", "connection_lost", "take_over", "over"):
        monkeypatch.setattr(Leg, name, listened_to(name))
    played = Played(Leg)
    await played.begin()
    second = "backend" if first == "client" else "client"
    await played.do(f"{first} closes")
    assert played.relay.client.is_ahead
    await played.do(f"{second} closes")
    assert played.client.listen()  # the end; the backend ends its own
    played.backend.vanish()
    await played.result()
    assert told == ["over"]


@pytest.mark.parametrize("answers", [False, True])
async def test_a_peer_that_takes_its_time_has_the_relay_s_own_clock(answers: bool) -> None:
    loop = asyncio.get_running_loop()
    played = Played(Leg)
    await played.begin()
    await played.do("client closes")
    if answers:
        await played.do("backend closes")
    began = loop.time()
    async with asyncio.timeout(PATIENCE):
        while played.relay.client.is_ahead:
            await asyncio.sleep(0.005)
    assert 0 < (played.relay.look(began) or 0) <= LONG  # counted from the Close
    assert played.relay.look(began + LONG) == LONG  # it hangs up, and looks again after as long
    await played.result()


def test_a_loop_that_is_closed_meanwhile_leaves_nothing_behind() -> None:
    loop = NativeLoop()
    played = Played(Leg)
    loop.run_until_complete(played.begin())
    loop.run_until_complete(played.do("client closes"))
    assert played.relay.client.is_ahead
    loop.close()
    played.client.vanish()
    played.backend.vanish()
    assert not played.relay.client.is_ahead
    assert not played.relay.cause
