# What the extension holds. For the base classes `gateway.native.pure` has the same in Python.
import asyncio
from collections.abc import Callable
from typing import final

from gateway.native.pure import Fields
from gateway.native.pure import LegBase as LegBase
from gateway.native.pure import MeterBase as MeterBase
from gateway.native.pure import ScannerBase as ScannerBase
from gateway.native.pure import SourceBase as SourceBase

OnMade = Callable[[BaseException | None], object]

@final
class Tls:
    def __init__(
        self,
        is_server: bool,
        ciphers: str,
        options: int,
        certificate: bytes | None,
        key: bytes | None,
        verifies: bool,
        flags: int,
        authorities: bytes | None,
        /,
    ) -> None: ...

class Transport(asyncio.Transport):
    def splice(self, leg: LegBase, peer: Transport, /) -> None: ...
    def unsplice(self) -> None: ...
    def take_over(self) -> None: ...

@final
class Engine:
    turns: int
    pauses: int
    patience: int
    passed: int
    given: int
    connections: int
    may_poll: bool
    is_hot: bool
    alone: int
    def select(self, timeout: float | None, /) -> list[tuple[int, int]]: ...
    def watch(self, fd: int, events: int, is_known: bool, /) -> None: ...
    def serve(self, loop: asyncio.AbstractEventLoop, /) -> None: ...
    def close(self) -> None: ...
    def adopt(
        self,
        fd: int,
        protocol: asyncio.BaseProtocol,
        tls: Tls | None,
        server_name: str | None,
        on_made: OnMade | None,
        /,
    ) -> Transport: ...
    def connect(
        self,
        ip: str,
        port: int,
        protocol: asyncio.BaseProtocol,
        tls: Tls | None,
        server_name: str | None,
        on_made: OnMade,
        /,
    ) -> Transport: ...
    def accept(self, fd: int, /) -> tuple[int, tuple[str, int] | None] | None: ...

def read_request(data: bytes, limit: int, /) -> tuple[bytes, Fields, int] | None: ...
def read_switch(data: bytes, limit: int, /) -> tuple[Fields, int] | None: ...
def part_request(data: bytes, limit: int, /) -> tuple[bytes, bytes, int] | None: ...
def part_switch(data: bytes, limit: int, /) -> tuple[bytes, bytes, int] | None: ...
def proof_of(key: bytes, /) -> bytes: ...
