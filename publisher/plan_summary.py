"""A business plan's limits in words, for cards and lists. Pure."""

from typing import Final

from core.text import byte_size, spaced
from core.translating import gettext as _
from core.translating import gettext_noop, ngettext
from publisher.plan_terms import QuotaPeriod, QuotaUnit

PER: Final = {
    QuotaPeriod.MINUTE: gettext_noop("%(amount)s a minute"),
    QuotaPeriod.HOUR: gettext_noop("%(amount)s an hour"),
    QuotaPeriod.DAY: gettext_noop("%(amount)s a day"),
    QuotaPeriod.MONTH: gettext_noop("%(amount)s a month"),
}
"""So much in each period."""


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
        messages = ngettext("%(count)s message", "%(count)s messages", quota) % {"count": spaced(quota)}
        amount = byte_size(quota) if quota_unit == QuotaUnit.BYTES else messages
        allowed = _(PER[QuotaPeriod(quota_period)]) % {"amount": amount}
        parts.append(allowed if is_quota_kept else _("%(allowed)s, and more passes") % {"allowed": allowed})
    if rate is not None:
        parts.append(f"{spaced(rate)}/s")
    if connections is not None:
        said = ngettext("%(count)s connection", "%(count)s connections", connections)
        parts.append(said % {"count": spaced(connections)})
    if connects is not None:
        said = ngettext("%(count)s new connection a minute", "%(count)s new connections a minute", connects)
        parts.append(said % {"count": spaced(connects)})
    if message_bytes is not None:
        parts.append(_("messages up to %(size)s") % {"size": byte_size(message_bytes)})
    return " · ".join(parts) or _("no limits")
