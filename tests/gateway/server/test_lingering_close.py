"""A refused client may go on sending for a moment, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.server.lingering_close import LINGER, LingeringClose, close_after


class Timer:
    """What a loop gives for a call that is still to come."""

    is_cancelled = False

    def __init__(self, delay: float, callback: Callable[[], None]) -> None:
        self.delay, self.callback = delay, callback

    def cancel(self) -> None:
        self.is_cancelled = True


class World:
    """A loop whose timers are run by hand, and a transport that remembers what was done with it."""

    def __init__(self, *, is_tls: bool = False) -> None:
        self.timers: list[Timer] = []
        self.done: list[str] = []
        self.written = b""
        self.protocol: Any = None
        self.is_tls = is_tls
        self.others: set[LingeringClose] = set()
        self.ends = 0
        self.refuse()

    def refuse(self) -> None:
        parts: Any = self
        close_after(parts, b"HTTP/1.1 403 Forbidden\r\n\r\n", parts, self.others, self.ended)

    def ended(self) -> None:
        self.ends += 1

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(delay, callback))
        return self.timers[-1]

    def is_closing(self) -> bool:
        return bool({"close", "abort"} & set(self.done))

    def can_write_eof(self) -> bool:
        return not self.is_tls

    def write(self, data: bytes) -> None:
        self.written += data

    def set_protocol(self, protocol: object) -> None:
        self.protocol = protocol

    def __getattr__(self, name: str) -> Callable[[], None]:
        return lambda: self.done.append(name)


def test_a_refused_client_that_does_not_hang_up_is_cut_after_a_second() -> None:
    world = World()
    assert world.written.startswith(b"HTTP/1.1 403")
    assert world.done == ["write_eof", "resume_reading"]
    assert [timer.delay for timer in world.timers] == [LINGER]
    world.timers[0].callback()
    assert world.done[-1] == "abort"


def test_a_refused_client_that_hangs_up_is_forgotten() -> None:
    world = World()
    assert (bool(world.others), world.ends) == (True, 0)
    assert not world.protocol.eof_received()  # so the transport closes itself
    world.protocol.connection_lost(None)
    assert world.timers[0].is_cancelled
    assert (bool(world.others), world.ends) == (False, 1)


def test_a_client_that_has_gone_already_is_told_nothing() -> None:
    world = World(is_tls=True)
    written = world.written
    world.refuse()
    assert (world.written, world.ends) == (written, 1)


def test_under_tls_the_connection_is_closed_at_once_behind_the_answer() -> None:
    world = World(is_tls=True)
    assert world.done == ["close"]
