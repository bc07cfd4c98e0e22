"""`python -m bench.shaping`: is a rate kept, and used, through the real relay?

Starts the gateway with two workers on a data folder of its own. For each rate, ten sockets of one subscription send
more than it allows, numbered, as fast as they are read; a backend notes what arrives, from which socket, and when.
Prints a line for each rate: what was wanted and seen in messages a second, the deviation, how the slowest and the
quickest socket fared against an even share, and how many messages came out of order or were lost.
"""

from __future__ import annotations

import argparse
import asyncio
import struct
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import processes
from bench.closes import HOST, KEY, PATIENCE, SWITCHED, gateway, set_up
from bench.errors import BenchError

RATES = (10, 100, 1000, 20_000)
FRAME = struct.Struct("!2s4sII")  # header, a mask of zeros, socket, number
HEADER, PING, PONG = b"\x82\x88", b"\x89\x88", b"\x8a\x08"  # the gateway's Pings are as long as the messages
AHEAD = 1 << 16  # bytes


def main(arguments: list[str]) -> int:
    """The exit code."""
    options = _options(arguments)
    processes.require_free(options.port_base + 1)
    with tempfile.TemporaryDirectory(prefix="bench-shaping-") as folder:
        set_up(Path(folder), options.port_base)
        with gateway(options, Path(folder) / "log.txt"):
            asyncio.run(_measure(options))
    return 0


@dataclass
class Heard:
    """What the backend was sent in one round."""

    begins: float
    ends: float
    counts: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    reordered: int = 0
    lost: int = 0

    def note(self, sender: int, number: int, now: float) -> None:
        """One message."""
        expected = self.last.get(sender, -1) + 1
        self.reordered += number < expected
        self.lost += max(0, number - expected)
        self.last[sender] = max(number, expected - 1)
        if self.begins <= now < self.ends:
            self.counts[sender] = self.counts.get(sender, 0) + 1


class NotingBackend(asyncio.Protocol):
    """Accepts, and notes what it is sent."""

    round: Heard  # the present one

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._data = b""
        self._is_open = False
        self.heard = NotingBackend.round  # a gateway may still have something of the round before to pass on

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._is_open:
            self._answer()
        else:
            self._read()

    def _answer(self) -> None:
        if b"\r\n\r\n" in self._data:
            from gateway.handshake.head import accept_for

            key = next(line for line in self._data.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
            self._transport.write(SWITCHED % accept_for(key.split(b":")[1].strip()).encode())
            self._is_open, self._data = True, b""

    def _read(self) -> None:
        whole, now = len(self._data) // FRAME.size * FRAME.size, time.monotonic()
        for header, mask, sender, number in FRAME.iter_unpack(self._data[:whole]):
            if header == HEADER:
                self.heard.note(sender, number, now)
            elif header == PING:
                self._transport.write(PONG + _unmasked(mask, sender, number))
            else:
                self._transport.close()  # the round is over
                return
        self._data = self._data[whole:]


def _unmasked(mask: bytes, *words: int) -> bytes:
    key = int.from_bytes(mask, "big")
    return b"".join((word ^ key).to_bytes(4, "big") for word in words)


class Sender(asyncio.Protocol):
    """One socket: sends numbered messages as fast as they are taken."""

    def __init__(self, head: bytes, name: int) -> None:
        self._head = head
        self._name = name
        self._sent = 0
        self._data = b""
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.transport.set_write_buffer_limits(AHEAD)
        self.transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self.opened.done() and b"\r\n\r\n" in self._data:
            if self._data.startswith(b"HTTP/1.1 101"):
                self.opened.set_result(None)
            else:
                self.opened.set_exception(BenchError(self._data.decode("latin-1")))

    def connection_lost(self, error: Exception | None) -> None:
        self._may_write.set()
        if not self.opened.done():
            self.opened.set_exception(BenchError(f"the gateway hung up: {error}"))

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def send(self, batch: int) -> None:
        """Until cancelled."""
        while not self.transport.is_closing():
            await self._may_write.wait()
            frames = (FRAME.pack(HEADER, bytes(4), self._name, self._sent + each) for each in range(batch))
            self.transport.write(b"".join(frames))
            self._sent += batch
            await asyncio.sleep(0)


async def _measure(options: argparse.Namespace) -> None:
    import django

    server = await asyncio.get_running_loop().create_server(NotingBackend, HOST, options.port_base + 3)
    await asyncio.to_thread(django.setup)
    print(f"{options.sockets} sockets of one subscription, {options.workers} workers, {options.seconds:g} s a rate")
    print(f"{'wanted/s':>9} {'seen/s':>10} {'deviation':>9} {'least':>6} {'most':>6} {'reordered':>9} {'lost':>5}")
    for number, rate in enumerate(options.rates):
        token = await asyncio.to_thread(_furnish, number, rate, options.port_base + 3)
        await asyncio.sleep(1.0)  # until the workers have heard of it
        _tell(rate, await _round(number, rate, token, options), options)
    server.close()


async def _round(number: int, rate: int, token: str, options: argparse.Namespace) -> Heard:
    loop = asyncio.get_running_loop()
    begins = time.monotonic() + options.warm_up
    NotingBackend.round = heard = Heard(begins, begins + options.seconds)
    head = (
        f"GET /shaping{number}/1 HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()
    senders = [Sender(head, name) for name in range(options.sockets)]
    for sender in senders:
        await loop.create_connection(lambda sender=sender: sender, HOST, options.port_base + 1)  # type: ignore[misc]
        async with asyncio.timeout(PATIENCE):
            await sender.opened
    tasks = [asyncio.create_task(sender.send(max(1, rate // 100))) for sender in senders]
    await asyncio.sleep(heard.ends - time.monotonic())
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for sender in senders:
        sender.transport.abort()
    await asyncio.sleep(0.5)
    return heard


def _tell(rate: int, heard: Heard, options: argparse.Namespace) -> None:
    seen = sum(heard.counts.values()) / options.seconds
    share = seen / options.sockets * options.seconds or 1.0
    fared = [heard.counts.get(name, 0) / share for name in range(options.sockets)]
    print(
        f"{rate:>9,} {seen:>10,.1f} {100 * (seen / rate - 1):>8.2f}% {min(fared):>5.2f}x {max(fared):>5.2f}x "
        f"{heard.reordered:>9} {heard.lost:>5}",
        flush=True,
    )


def _furnish(number: int, rate: int, port: int) -> str:
    """An API, a plan of this rate, and a subscribed application's token."""
    from django.utils import timezone

    from accounts.models import User
    from devportal import operations as developing
    from publisher import operations as publishing
    from publisher.operations.plans import create_plan

    actor, now, name = User.objects.get(username="admin"), timezone.now(), f"Shaping{number}"
    fields = {"name": name, "rate": rate, "counted": "client", "over_rate": "delay"}
    plan = create_plan(fields=fields, actor=actor, now=now)
    api = publishing.create_api(
        name=name,
        context=f"/shaping{number}",
        version="1",
        endpoint=f"ws://{HOST}:{port}",
        plans=[plan],
        publish=True,
        actor=actor,
        now=now,
    )
    application = developing.create_application(name=name, actor=actor, now=now)
    developing.subscribe(application=application, api=api, plan=plan, actor=actor, now=now)
    client = developing.generate_keys(application=application, key_type="PRODUCTION", actor=actor, now=now).client
    return developing.generate_token(client=client, actor=actor, now=now).token


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.shaping", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--sockets", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--warm-up", type=float, default=2.0)
    parser.add_argument("--rates", type=int, nargs="+", default=RATES)
    parser.add_argument("--port-base", type=int, default=22600)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
