"""Leaves a backend that fails alone for a while. Pure: the caller brings the clock.

An address is suspended after so many failures in a row, first for `suspend_initial` seconds and each time for
`suspend_factor` times as long, up to `suspend_maximum`. When that has passed one connection is let through to see
(half-open); the others wait for what it finds. One success forgets everything.
"""

from __future__ import annotations

from typing import Protocol


class SuspensionOptions(Protocol):
    """The part of an endpoint's advanced configuration that is obeyed here; durations in seconds."""

    @property
    def suspend_after(self) -> int: ...
    @property
    def suspend_initial(self) -> float: ...
    @property
    def suspend_factor(self) -> float: ...
    @property
    def suspend_maximum(self) -> float: ...
    @property
    def prevent_suspension(self) -> bool: ...


class Suspensions:
    """What is known of every address that failed lately."""

    def __init__(self) -> None:
        self._troubled: dict[str, _Trouble] = {}

    def begin(self, address: str, now: float) -> float:
        """Ask to dial `address`: 0 to go ahead, or the seconds until it is worth asking again.

        Whoever goes ahead reports `succeeded`, `failed` or `abandoned`.
        """
        trouble = self._troubled.get(address)
        if trouble is None or not trouble.until:
            return 0.0
        if now < trouble.until:
            return trouble.until - now
        if trouble.probing:
            return 1.0
        trouble.probing = True
        return 0.0

    def succeeded(self, address: str) -> None:
        """The backend accepted the connection."""
        self._troubled.pop(address, None)

    def failed(self, address: str, options: SuspensionOptions, now: float) -> None:
        """The backend could not be reached, or failed to answer."""
        if options.prevent_suspension:
            self._troubled.pop(address, None)
            return
        trouble = self._troubled.setdefault(address, _Trouble())
        if trouble.until and not trouble.probing:
            return  # it was dialled before the suspension that is running; that is old news
        trouble.probing = False
        trouble.failures += 1
        if trouble.until or trouble.failures >= options.suspend_after:
            trouble.pause = min(
                trouble.pause * options.suspend_factor if trouble.pause else options.suspend_initial,
                options.suspend_maximum,
            )
            trouble.until = now + trouble.pause

    def abandoned(self, address: str) -> None:
        """The client went away before anything was known of the backend."""
        if trouble := self._troubled.get(address):
            trouble.probing = False


class _Trouble:
    """One address: failures in a row, the length of the latest pause and its end (0: not suspended)."""

    __slots__ = ("failures", "pause", "probing", "until")

    def __init__(self) -> None:
        self.failures = 0
        self.pause = 0.0
        self.until = 0.0
        self.probing = False
