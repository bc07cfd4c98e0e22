"""A business plan's limits in words, for cards and lists. Pure."""

from core.text import byte_size, count, spaced
from publisher.plan_terms import QuotaPeriod, QuotaUnit


def in_words(
    *,
    quota: int | None = None,
    quota_unit: str = QuotaUnit.MESSAGES,
    quota_period: str = QuotaPeriod.DAY,
    is_quota_kept: bool = True,
    rate: int | None = None,
    connections: int | None = None,
    connects: int | None = None,
    message_bytes: int | None = None,
) -> str:
    """The limits on one line: "50 000 messages a day · 100/s · 100 connections", or "no limits".

    Units as `publisher.models.Plan` says.
    """
    parts = []
    if quota is not None:
        amount = byte_size(quota) if quota_unit == QuotaUnit.BYTES else count(quota, "message")
        period = f"{'an' if quota_period == QuotaPeriod.HOUR else 'a'} {quota_period}"
        parts.append(f"{amount} {period}" if is_quota_kept else f"{amount} {period}, and more passes")
    if rate is not None:
        parts.append(f"{spaced(rate)}/s")
    if connections is not None:
        parts.append(count(connections, "connection"))
    if connects is not None:
        parts.append(f"{count(connects, 'new connection')} a minute")
    if message_bytes is not None:
        parts.append(f"messages up to {byte_size(message_bytes)}")
    return " · ".join(parts) or "no limits"
