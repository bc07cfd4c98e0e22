"""A business plan's limits in words, for cards and lists. Pure."""

from collections.abc import Iterator
from typing import Protocol

from core.text import count, spaced

BYTE_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class Limits(Protocol):
    """What is read of a plan; units as `publisher.models.Plan` says."""

    quota: int | None
    quota_unit: str
    quota_period: str
    rate: int | None
    connections: int | None
    connects: int | None
    message_bytes: int | None


def in_words(plan: Limits) -> str:
    """The limits on one line: "50 000 messages a day · 100/s · 100 connections", or "no limits"."""
    return " · ".join(_parts(plan)) or "no limits"


def _parts(plan: Limits) -> Iterator[str]:
    if plan.quota is not None:
        article = "an" if plan.quota_period == "hour" else "a"
        yield f"{_quota(plan.quota, plan.quota_unit)} {article} {plan.quota_period}"
    if plan.rate is not None:
        yield f"{spaced(plan.rate)}/s"
    if plan.connections is not None:
        yield count(plan.connections, "connection")
    if plan.connects is not None:
        yield f"{count(plan.connects, 'new connection')} a minute"
    if plan.message_bytes is not None:
        yield f"messages up to {_bytes(plan.message_bytes)}"


def _quota(amount: int, unit: str) -> str:
    return _bytes(amount) if unit == "bytes" else count(amount, "message")


def _bytes(amount: int) -> str:
    for size, name in BYTE_UNITS:
        if amount >= size and amount % size == 0:
            return f"{spaced(amount // size)} {name}"
    return count(amount, "byte")
