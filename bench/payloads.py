"""`python -m bench.payloads`: what does it cost to hold messages against schemas?

Starts the gateway with one worker on a data folder of its own, in front of the echo backend, and an API for each mode
of payload validation. Clients send JSON that fits, each the next lot when the one before is back, so every message is
looked at twice: from the client and from the backend. Prints messages/s there and back, and the worker's processor
time for each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench import processes, programs
from bench.closes import ROOT, Case, Peer, furnish, open_sockets, set_up

MODES = ("off", "report", "enforce")
SETTLE_SECONDS = 1.0
WORD = {"type": "string", "maxLength": 10_000}
ITEM = {"type": "object", "properties": {"id": {"type": "integer"}, "text": WORD}, "required": ["id", "text"]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["room", "items"],
    "properties": {"room": {"type": "string", "pattern": "^[a-z0-9-]+$"}, "items": {"type": "array", "items": ITEM}},
    "additionalProperties": False,
}


class Shape(NamedTuple):
    """What is sent: on so many connections, so many messages in flight on each, with so many items in each."""

    title: str
    connections: int
    window: int
    items: int

    @property
    def payload(self) -> bytes:
        """A message that fits."""
        items = [{"id": number, "text": "The quick brown fox jumps over the lazy dog."} for number in range(self.items)]
        return json.dumps({"room": "lobby-1", "items": items}).encode()


SHAPES = (Shape("1 in flight", 100, 1, 1), Shape("16 in flight", 50, 16, 1), Shape("4 in flight", 50, 4, 60))


class Sender(Peer):
    """Sends a lot of messages, and the same again once as many bytes are back as have to come."""

    def __init__(self, head: bytes, shape: Shape) -> None:
        super().__init__(head)
        payload = shape.payload
        length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
        self.lot = (b"\x81" + bytes([length[0] | 0x80]) + length[1:] + bytes(4) + payload) * shape.window
        self.due = self.left = (1 + len(length) + len(payload)) * shape.window
        self.lots = 0

    def read(self) -> None:
        """Everything that comes is of the lot that was sent."""
        self.left -= len(self.data)
        self.data = b""
        if self.left <= 0:
            self.lots += 1
            self.left = self.due
            self.transport.write(self.lot)


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.payloads", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one load (3)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--connections", type=int, default=0, help="so many at most (as they come)")
    parser.add_argument("--port-base", type=int, default=22600)
    options = parser.parse_args(arguments)
    gateway_core, load_core = processes.cores()
    with tempfile.TemporaryDirectory(prefix="bench-payloads-") as name:
        folder, backend, ports = Path(name), options.port_base + 3, [options.port_base + 1, options.port_base + 2]
        set_up(folder, options.port_base)
        echo: list[str | Path] = [programs.build("echo"), str(backend)]
        command: list[str | Path] = [sys.executable, ROOT / "manage.py", "gateway", "--workers", "1"]
        running = partial(processes.running, cwd=ROOT, log=folder / "log.txt")
        cases = arranged(backend)
        with running(echo, ports=[backend], core=load_core), running(command, ports=ports, core=gateway_core) as pid:
            os.sched_setaffinity(0, {load_core})
            asyncio.run(measure(options, cases, pid))
    return 0


def arranged(backend: int) -> dict[str, Case]:
    """An API for each mode, deployed, with an application that may call it."""
    import django

    django.setup()
    from django.utils import timezone

    from publisher import operations as publishing

    cases = {}
    for mode in MODES:
        case = furnish(f"Bench-{mode}", backend)
        by: dict[str, Any] = {"actor": case.application.owner, "now": timezone.now()}
        message = {"name": "items", "schema": SCHEMA}
        topics = [{"target": "/*", "messages": {"publish": [message], "subscribe": [message]}}]
        changes = {"topics": topics, "payload_validation": mode}
        api = publishing.update_api(api=case.api, changes=changes, **by)
        publishing.deploy_revision(api=api, revision=publishing.create_revision(api=api, **by), **by)
        cases[mode] = case
    return cases


async def measure(options: argparse.Namespace, cases: dict[str, Case], pid: int) -> None:
    """Print a line for each load: all modes side by side, each the best of its rounds."""
    await asyncio.sleep(SETTLE_SECONDS)
    print("messages/s there and back, and µs of the worker's processor time for each")
    print(f"{'':<44}" + "".join(f"{mode:>22}" for mode in MODES))
    for shape in SHAPES:
        shape = shape._replace(connections=min(options.connections or shape.connections, shape.connections))
        found: dict[str, list[tuple[float, float]]] = {mode: [] for mode in MODES}
        for _ in range(options.rounds):
            for mode in MODES:
                found[mode].append(await one_load(shape, cases[mode], options, pid))
        title = f"{shape.connections} connections, {shape.title}, {len(shape.payload)} B"
        figures = (f"{max(rounds)[0]:>12,.0f} {min(cost for _, cost in rounds):>6.1f} µs" for rounds in found.values())
        print(f"{title:<44}" + "".join(f"{each:>22}" for each in figures), flush=True)


async def one_load(shape: Shape, case: Case, options: argparse.Namespace, pid: int) -> tuple[float, float]:
    """Messages a second there and back, and µs of processor time for each."""
    senders = [Sender(case.head, shape) for _ in range(shape.connections)]
    await open_sockets([*senders], options.port_base + 1)
    for sender in senders:
        sender.transport.write(sender.lot)
    await asyncio.sleep(SETTLE_SECONDS / 4)
    lots, busy, begun = sum(each.lots for each in senders), processes.cpu_seconds(pid), time.perf_counter()
    await asyncio.sleep(options.seconds)
    seconds, used = time.perf_counter() - begun, processes.cpu_seconds(pid) - busy
    messages = (sum(each.lots for each in senders) - lots) * shape.window
    for sender in senders:
        sender.transport.abort()
    await asyncio.sleep(SETTLE_SECONDS / 4)
    return messages / seconds, used / max(messages, 1) * 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
