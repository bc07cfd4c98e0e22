"""Near the limit of memory newcomers are refused, and nearer those go for whom most is buffered."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.relay.splice import Relay
from gateway.server import memory_guard
from gateway.server.memory_guard import Memory, MemoryGuard, control_group_memory


class Full(Relay):
    """A relay with so many bytes in its buffers."""

    def __init__(self, buffered: int) -> None:
        leg: Any = SimpleNamespace(transport=SimpleNamespace(get_write_buffer_size=lambda: self.buffered // 2))
        self.buffered, self.client, self.backend = buffered, leg, leg

    def abort(self) -> None:
        self.buffered = 0


class Client:
    """A connection with so many bytes in buffers."""

    def __init__(self, number: int, buffered: int) -> None:
        self.id, self.relay, self.told = str(number), Full(buffered), 0

    def close(self, code: int, reason: str) -> None:
        self.told, self.relay.buffered = code, 0


@pytest.fixture
def clients() -> list[Client]:
    return [Client(number, 10_000 * number) for number in range(10)]


def guard(clients: Any, used: list[int]) -> MemoryGuard:
    return MemoryGuard(clients, lambda: Memory(used[0], 1_000_000))


def test_newcomers_are_refused_while_memory_is_short_and_the_log_says_so_once(
    clients: list[Client], caplog: pytest.LogCaptureFixture
) -> None:
    used = [840_000]
    made = guard(clients, used)
    with caplog.at_level(logging.WARNING):
        for now, is_short in ((840_000, False), (860_000, True), (870_000, True), (500_000, False)):
            used[0] = now
            assert made.look()
            assert made.is_short is is_short
    assert len(caplog.records) == 2
    assert not any(client.told for client in clients)


async def test_the_largest_go_first_and_no_more_than_have_to(clients: list[Client]) -> None:
    made = guard(clients, [1_000_000])
    made.look()
    assert [client.id for client in clients if client.told == 1013] == ["8", "9"]
    for _ in range(5):
        made.look()
    assert clients[0].told == 0  # closing it would free nothing


async def test_a_limit_that_is_set_while_the_gateway_runs_is_noticed(
    clients: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_guard, "UNLIMITED_SECONDS", 0.001)
    limits: list[Memory | None] = [Memory(900_000, 1_000_000), None, None]
    made = MemoryGuard(clients, lambda: limits.pop() if len(limits) > 1 else limits[0])
    assert made.look() is False
    guarding = asyncio.create_task(made.guard())
    while not made.is_short:
        await asyncio.sleep(0.001)
    guarding.cancel()


@pytest.mark.parametrize(
    ("group", "folder", "files"),
    [
        ("0::/app/gateway\n", "app", ("memory.max", "memory.current", "inactive_file 100")),
        (
            "5:cpu:/x\n4:memory:/app\n",
            "memory/app",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file 100"),
        ),
    ],
)
def test_the_nearest_control_group_with_a_limit_counts(
    tmp_path: Path, group: str, folder: str, files: tuple[str, str, str]
) -> None:
    own = tmp_path / "own"
    own.write_text(group)
    assert control_group_memory(tmp_path, own) is None
    place = tmp_path / folder
    place.mkdir(parents=True)
    for name, text in zip((*files[:2], "memory.stat"), ("1000", "700", files[2] + "\n"), strict=True):
        (place / name).write_text(text)
    assert control_group_memory(tmp_path, own) == Memory(600, 1000)
    (place / files[0]).write_text("max")
    assert control_group_memory(tmp_path, own) is None
