"""The worker's side of a lease: what the store granted of one window, and what of that is spent. Pure."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Protocol

from gateway.quotas.limits import Window
from gateway.quotas.rules import LeaseAnswer, LeaseRequest


class Cells(Protocol):
    """Where what is spent under a lease is written down to outlive the worker: `gateway.quotas.spent_file`."""

    def allocate(self) -> tuple[int, MutableSequence[int], int]:
        """A new lease's id, and the place of its count: a sequence and an index."""

    def free(self, lease_id: int) -> None:
        """Forget a lease that the store has ended."""


class Lease:
    """One lease: `granted` in all, `top` of which may be spent; what is spent stands in its cell.

    With `keep`, all beyond that much is on its way back to the store and is not spent any more. `free` is what the
    window had left to lend, `lost` what gateways hold that are gone, `upper_bound` the most that this worker could ever
    spend of it, as of the last answer.
    `reported` is what the store was last told of as spent, at `reported_at`; -1 has it told again.
    """

    __slots__ = (
        "at",
        "cells",
        "free",
        "granted",
        "keep",
        "key",
        "lease_id",
        "limit",
        "lost",
        "reported",
        "reported_at",
        "sequence",
        "upper_bound",
        "window",
    )

    def __init__(self, key: str, window: Window, limit: int, cells: Cells, now: float) -> None:
        self.key = key
        self.window = window
        self.limit = self.free = self.upper_bound = limit
        self.granted = self.lost = 0
        self.keep: int | None = None
        self.reported = 0
        self.reported_at = now
        self.sequence = 0
        self.lease_id, self.cells, self.at = cells.allocate()

    @property
    def spent(self) -> int:
        """What is gone of it."""
        return self.cells[self.at]

    @property
    def top(self) -> int:
        """How much may be spent in all."""
        return self.granted if self.keep is None else min(self.keep, self.granted)

    def request(self, *, least: int, most: int, since: float) -> LeaseRequest:
        """Say what is spent and returned, and ask for more."""
        self.sequence += 1
        held = self.granted, self.spent, self.keep
        return LeaseRequest(self.lease_id, self.sequence, self.key, self.window, self.limit, *held, least, most, since)

    def apply(self, request: LeaseRequest, answer: LeaseAnswer, now: float) -> None:
        """The store's answer to `request`."""
        if self.keep == request.keep:
            self.keep = None
        self.granted, self.free, self.lost = answer.granted, answer.free, answer.lost
        self.reported, self.reported_at = request.spent, now
        if request.limit == self.limit:
            self.upper_bound = min(self.limit, answer.granted + answer.free + answer.elsewhere)
