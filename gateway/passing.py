"""What can be asked of a connection that joins a client to a backend, however it does so."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Traffic(NamedTuple):
    """Messages, and bytes of their payloads, from the client (in) and from the backend (out)."""

    messages_in: int = 0
    bytes_in: int = 0
    messages_out: int = 0
    bytes_out: int = 0


class Farewell(NamedTuple):
    """How a connection ended: who began it (client, backend or gateway), the Close code on either side, and the reason.

    1005 is a Close without a code, 1006 no Close at all (RFC 6455 §7.1.5).
    """

    by: str
    client_code: int
    backend_code: int
    reason: str


class Passing(Protocol):
    """A client and a backend, joined."""

    def leave(self, code: int, reason: str) -> None:
        """Ask the client to go, gently: what it has sent by then still reaches the backend."""
        ...

    def finish(self) -> None:
        """Wait for the client no longer."""
        ...

    def limit_messages(self, octets: int | None) -> None:
        """From now on the client's messages may be so long, in bytes as sent; None: as long as it likes."""
        ...

    def traffic(self) -> Traffic:
        """What has passed so far."""
        ...

    def farewell(self) -> Farewell:
        """How it ended; final once it has."""
        ...
