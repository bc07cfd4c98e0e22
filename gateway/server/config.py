"""What the gateway's server is told: ports, workers and limits, and what uvicorn's protocols share in one worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from core.client_address import TrustedProxies, counted
from gateway.refusals import Refusal
from gateway.relay.splice import Relay
from gateway.relay.timer_wheel import TimerWheel
from gateway.server.lingering_close import LingeringClose


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """`head_seconds` from the connection's start until its request's head is whole, `head_bytes` at most in it.

    At most `connections` WebSockets at once in this worker, and besides them `greeted` clients who have not said yet
    what they want, or are being told that they cannot have it, `greeted_per_address` of them from one address.
    """

    head_seconds: float = 10.0
    head_bytes: int = 32 * 1024
    connections: int = 1 << 20
    greeted: int = 1 << 20
    greeted_per_address: int = 1 << 20


@dataclass(eq=False, repr=False)
class GreetedByAddress:
    """How many clients of each address are being greeted: one address does not hold up the others."""

    most: int
    _counts: dict[str, int] = field(default_factory=dict, init=False)

    def is_full(self, address: str) -> bool:
        """Whether another client of this address is one too many."""
        return self._counts.get(counted(address), 0) >= self.most

    def enter(self, address: str) -> Callable[[], None]:
        """Count a client. Call what is returned when it is greeted no longer; twice does no harm."""
        key, counts = counted(address), self._counts
        counts[key] = counts.get(key, 0) + 1
        is_here = True

        def leave() -> None:
            nonlocal is_here
            if is_here:
                is_here = False
                left = counts.pop(key) - 1
                if left:
                    counts[key] = left

        return leave

    def __len__(self) -> int:
        return len(self._counts)


class WorkerConfig(uvicorn.Config):
    """uvicorn's configuration, with what the gateway's protocols share in one worker."""

    def __init__(
        self,
        app: Any,
        *,
        wheel: TimerWheel,
        limits: ServerLimits | None = None,
        proxies: TrustedProxies | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            app,
            ws_per_message_deflate=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            access_log=False,
            log_config=None,
            **options,
        )
        self.wheel = wheel
        self.limits = limits or ServerLimits()
        self.proxies = proxies or TrustedProxies()
        self.greeted_by_address = GreetedByAddress(self.limits.greeted_per_address)
        self.relays: set[Relay] = set()
        self.heads: set[asyncio.Protocol] = set()
        self.deciding: set[asyncio.Task[None]] = set()
        self.lingering: set[LingeringClose] = set()
        self.on_refusal: Callable[[Refusal, str, str], None] = lambda refusal, client, request_id: None

    def is_full(self, connections: int) -> bool:
        """Whether there is no room for another WebSocket beside so many connections that are not spliced yet."""
        return len(self.relays) + connections - len(self.heads) >= self.limits.connections


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What to run. `drain` is the seconds over which clients are asked to go when the gateway stops.

    `connections` is the most WebSockets in each worker, 0 for as many as it has descriptors for, and
    `greeted_per_address` the most clients of one address that are being greeted, 0 for a quarter of all. The `proxies`
    may say for whom they ask: with `proxy_protocol` in front of each connection, and always in their header.

    Metrics are served on `metrics_port` of this machine, unless it is 0, out of what workers put into `metrics_folder`.
    """

    hosts: Sequence[str]
    ws_port: int
    wss_port: int
    certificate: Path
    key: Path
    key_password: str = field(default="", repr=False)
    workers: int = 1
    drain: float = 5.0
    connections: int = 0
    limits: ServerLimits = field(default_factory=ServerLimits)
    greeted_per_address: int = 0
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    proxy_protocol: bool = False
    metrics_port: int = 0
    metrics_folder: Path | None = None
