"""`python -m bench.chunks`: what Python's own part of relaying costs, in nanoseconds for each chunk of bytes.

A leg of a relay between transports that do nothing is given the same chunk again and again: without limits, and with a
plan that has a quota and a rate. The figure is the lowest of many short runs, which other programs disturb least.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import FREE, Meter
from gateway.quotas.spent_file import SpentFile
from gateway.quotas.state import LeaseState, PlanOf
from gateway.relay.frames import BINARY, FINAL, MASKED, PONG, encode_control
from gateway.relay.side import OUR_PING
from gateway.relay.splice import Relay
from gateway.relay.types import RelayOptions

RUNS, CHUNKS = 200, 5000
PLENTY = 1 << 50
KEY = b"abcd"


def main() -> int:
    """Print a line for each kind of chunk; the exit code."""
    with tempfile.TemporaryDirectory(prefix="bench-chunks-") as folder:
        meters = {"no limits": FREE, "quota and rate": metered(Path(folder))}
        for title, chunk in chunks().items():
            for plan, meter in meters.items():
                print(f"{title}, {plan}: {cheapest(receiver(meter), chunk):.0f} ns a chunk")
    return 0


def chunks() -> dict[str, bytes]:
    """What a client sends, by what it is."""
    short = bytes([FINAL | BINARY, MASKED | 125]) + KEY + b"x" * 125
    long = bytes([FINAL | BINARY, MASKED | 126]) + (16384).to_bytes(2, "big") + KEY + b"x" * 16384
    return {
        "1 message of 125 B": short,
        "16 messages of 125 B": short * 16,
        "1 message of 16 KiB": long,
        "0 messages, 100 answers to our pings": encode_control(PONG, OUR_PING, masked=True) * 100,
    }


def metered(folder: Path) -> Meter:
    """A meter of a plan that is never reached."""
    lease_state = LeaseState(SpentFile(folder, "bench"), lambda: None)
    plan = PlanLimits(quota=PLENTY, rate=1 << 30)
    meter = lease_state.enter(subscription=PlanOf("bench", plan), application=None, now=time.time()).client
    for source in meter.sources:
        source.top = PLENTY
    return meter


def receiver(meter: Meter) -> Callable[[bytes], None]:
    """What a client's bytes are given to."""
    nothing: Any = _Nothing(
        tick=1.0,
        time=lambda: 0.0,
        is_closing=lambda: False,
        get_extra_info=lambda name: nothing if name == "ssl_object" else None,
        write=lambda data: None,
        watch=lambda watched, delay: None,
    )
    relay = Relay(
        nothing,
        nothing,
        options=RelayOptions(),
        wheel=nothing,
        loop=nothing,
        meters=(meter, FREE),
        on_end=lambda relay: None,
    )
    relay.start()
    return relay.client.data_received


def cheapest(receive: Callable[[bytes], None], chunk: bytes) -> float:
    """Nanoseconds for each chunk, in the best of many runs."""
    best = float("inf")
    for _ in range(RUNS):
        begun = time.perf_counter_ns()
        for _ in range(CHUNKS):
            receive(chunk)
        best = min(best, (time.perf_counter_ns() - begun) / CHUNKS)
    return best


class _Nothing(SimpleNamespace):
    """A transport, a wheel and a loop that do nothing.

    As under TLS there is no socket: what it costs to hand a chunk to the kernel is not in the figure.
    """

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **named: None


if __name__ == "__main__":
    sys.exit(main())
