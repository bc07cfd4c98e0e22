"""A throttle on guessing at the endpoints where clients prove who they are."""

from contextlib import suppress
from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest

from core.client_address import counted
from devportal import tokens

FAILURES_ALLOWED = 10
WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Throttle:
    """Counts failures of one caller against one client; after ten in a minute it holds until the minute is over.

    A secret has 256 random bits and cannot be guessed; the throttle keeps a mistaken program from hammering, and stops
    trials of stolen pairs early. Someone else's failures never lock a client out: the address is part of the key.
    Counted per process, or for all processes together when the cache is shared.
    """

    key: str

    @classmethod
    def of(cls, request: HttpRequest, client_id: str) -> "Throttle":
        """The throttle for whoever sends `request` in the name of `client_id`."""
        address = counted(request.META.get("REMOTE_ADDR") or "")
        return cls("oauth-failures:" + tokens.digest(f"{address} {client_id}"))

    def holds(self) -> bool:
        """Whether the caller has to wait."""
        return bool(cache.get(self.key, 0) >= FAILURES_ALLOWED)

    def failed(self) -> None:
        """Count one failure."""
        if not cache.add(self.key, 1, WINDOW_SECONDS):
            with suppress(ValueError):  # the minute ended between the two calls
                cache.incr(self.key)
