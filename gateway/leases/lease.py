"""The worker's side of one lease. Pure."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Protocol

from gateway.leases import Request
from gateway.limits import Window


class Cells(Protocol):
    """Where what is spent under a lease is written down, so that it outlives the worker (`gateway.leases.cells`)."""

    def allocate(self) -> tuple[int, MutableSequence[int], int]:
        """A new lease's serial, and the place of its count: a sequence and an index."""

    def free(self, serial: int) -> None:
        """Forget a lease that the store has ended."""


class Lease:
    """The worker's side of one lease: what it was `granted` in all; what is spent stands in its cell."""

    __slots__ = ("at", "cells", "granted", "key", "limit", "serial", "turn", "window")

    def __init__(self, key: str, window: Window, limit: int, cells: Cells) -> None:
        self.key = key
        self.window = window
        self.limit = limit
        self.granted = 0
        self.turn = 0
        self.serial, self.cells, self.at = cells.allocate()

    def last_request(self) -> Request:
        """The request that ends it."""
        spent = self.cells[self.at]
        return Request(
            self.serial, self.next_turn(), self.key, self.window, self.limit, self.granted, spent, final=True
        )

    def next_turn(self) -> int:
        """The number of the next request."""
        self.turn += 1
        return self.turn
