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

from bench import processes
from bench.closes import HOST, Case, Peer, furnish, gateway, open_sockets, set_up

RATES = (10, 100, 1000, 20_000)
FRAME = struct.Struct("!2s4sII")  # header, a mask of zeros, socket, number
HEADER, PING, PONG = b"\x82\x88", b"\x89\x88", b"\x8a\x08"  # the gateway's Pings are as long as the messages
AHEAD = 1 << 16  # bytes


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.shaping", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--sockets", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--warm-up", type=float, default=2.0)
    parser.add_argument("--rates", type=int, nargs="+", default=RATES)
    parser.add_argument("--settle", type=float, default=1.0, help="seconds for the workers to hear of a change (1)")
    parser.add_argument("--port-base", type=int, default=22600)
    options = parser.parse_args(arguments)
    processes.require_free(options.port_base + 1)
    with tempfile.TemporaryDirectory(prefix="bench-shaping-") as folder:
        set_up(Path(folder), options.port_base)
        with gateway(options, Path(folder) / "log.txt"):
            asyncio.run(measure(options))
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


class NotingBackend(Peer):
    """Accepts, and notes what it is sent."""

    round: Heard  # the present one

    def __init__(self) -> None:
        super().__init__()
        self.heard = NotingBackend.round  # a gateway may still have something of the round before to pass on

    def read(self) -> None:
        whole, now = len(self.data) // FRAME.size * FRAME.size, time.monotonic()
        for header, mask, sender, number in FRAME.iter_unpack(self.data[:whole]):
            if header == HEADER:
                self.heard.note(sender, number, now)
            elif header == PING:
                key = int.from_bytes(mask, "big")
                self.transport.write(PONG + b"".join((word ^ key).to_bytes(4, "big") for word in (sender, number)))
            else:
                self.transport.close()  # the round is over
                return
        self.data = self.data[whole:]


class Sender(Peer):
    """One socket: sends numbered messages as fast as they are taken."""

    def __init__(self, head: bytes, name: int) -> None:
        super().__init__(head)
        self._name = name
        self._sent = 0
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(AHEAD)

    def connection_lost(self, error: Exception | None) -> None:
        self._may_write.set()
        super().connection_lost(error)

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


async def measure(options: argparse.Namespace) -> None:
    """Try each rate in turn, and print what came of it."""
    import django

    server = await asyncio.get_running_loop().create_server(NotingBackend, HOST, options.port_base + 3)
    await asyncio.to_thread(django.setup)
    print(f"{options.sockets} sockets of one subscription, {options.workers} workers, {options.seconds:g} s a rate")
    print(f"{'wanted/s':>9} {'seen/s':>10} {'deviation':>9} {'least':>6} {'most':>6} {'reordered':>9} {'lost':>5}")
    for number, rate in enumerate(options.rates):
        limits = {"rate": rate, "counted": "client", "over_rate": "delay"}
        case = await asyncio.to_thread(furnish, f"Shaping{number}", options.port_base + 3, limits)
        await asyncio.sleep(options.settle)
        heard = await send_over(case, rate, options)
        seen = sum(heard.counts.values()) / options.seconds
        share = seen / options.sockets * options.seconds or 1.0
        fared = [heard.counts.get(name, 0) / share for name in range(options.sockets)]
        print(
            f"{rate:>9,} {seen:>10,.1f} {100 * (seen / rate - 1):>8.2f}% {min(fared):>5.2f}x {max(fared):>5.2f}x "
            f"{heard.reordered:>9} {heard.lost:>5}",
            flush=True,
        )
    server.close()


async def send_over(case: Case, rate: int, options: argparse.Namespace) -> Heard:
    """Send more than the rate allows, and say what the backend heard of it."""
    begins = time.monotonic() + options.warm_up
    NotingBackend.round = heard = Heard(begins, begins + options.seconds)
    senders = [Sender(case.head, name) for name in range(options.sockets)]
    await open_sockets([*senders], options.port_base + 1)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
