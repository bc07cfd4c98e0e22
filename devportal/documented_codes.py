"""How a connection may not come about, or end, in words for those who write clients. The gateway knows, and registers
its tables at start."""

from __future__ import annotations

from typing import NamedTuple


class DocumentedCode(NamedTuple):
    """A refusal's HTTP status or a close code, what it means, and the way out; `again`: whether to connect again."""

    number: int
    code: int
    cause: str
    way_out: str
    again: str = ""


REFUSALS: list[DocumentedCode] = []
"""With what a handshake may be answered in place of 101, by status."""
CLOSES: list[DocumentedCode] = []
"""With which codes the gateway closes a connection."""


def register(refusals: list[DocumentedCode], closes: list[DocumentedCode]) -> None:
    """Take over the tables of those who know."""
    REFUSALS[:], CLOSES[:] = refusals, closes
