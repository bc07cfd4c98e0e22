"""What a business plan does to those who have it, sentence by sentence, for whoever writes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import durations
from core.text import byte_size, count, listed
from publisher.plan_terms import CountedDirection, ExceededAction, QuotaPeriod, QuotaUnit

OVER_RATE = {
    ExceededAction.DELAY: "What comes faster waits, so the sender is slowed down and nothing is lost.",
    ExceededAction.DROP: "What comes faster is dropped, and the sender is not told.",
    ExceededAction.CLOSE: "What comes faster closes the connection with 4003.",
}
OVER_QUOTA = {
    ExceededAction.CLOSE: "The next one closes the connection with 4003, and new ones are refused with 429 until the "
    "next {period} begins (UTC).",
    ExceededAction.DROP: "The next ones are dropped until the next {period} begins (UTC); connections stay.",
    ExceededAction.PASS: "The next ones pass all the same: the figure only says what is meant to be used.",
}


def effects(plan: Mapping[str, Any]) -> list[str]:
    """What the fields of a plan mean, as `publisher.plan_validation.clean_plan` returns them."""
    connections, connects, size = plan["connections"], plan["connects"], plan["message_bytes"]
    applications, roles = plan["applications"], plan["roles"]
    rate, at_once = plan["rate"], f", {count(plan['burst'], 'message')} at once" if plan["burst"] else ", evenly"
    sentences = (
        _quota(plan),
        f"{count(rate, 'message')} a second pass{at_once}. {OVER_RATE[ExceededAction(plan['over_rate'])]}"
        if rate is not None
        else "No limit holds how fast messages come.",
        f"One subscription has {count(connections, 'connection')} open at the same time; one more is refused with 429."
        if connections
        else "Any number of connections may be open.",
        f"It opens {count(connects, 'connection')} a minute; more are refused with 429." if connects else "",
        f"A message over {byte_size(size)} closes the connection with 1009." if size else "",
        f"One person may subscribe {count(applications, 'application')} to an API." if applications else "",
        "A subscription waits until a publisher approves it." if plan["requires_approval"] else "",
        f"Only people with the role {listed(list(roles)).replace(' and ', ' or ')} may choose it." if roles else "",
        "Nothing is compressed on the way, so that bytes are those inside." if plan["uncompressed"] else "",
    )
    return [sentence for sentence in sentences if sentence]


def _quota(plan: Mapping[str, Any]) -> str:
    quota = plan["quota"]
    if quota is None:
        return "An application may send and receive as much as it likes."
    of_bytes, period = plan["quota_unit"] == QuotaUnit.BYTES, plan["quota_period"]
    amount = byte_size(quota) if of_bytes else count(quota, "message")
    both = plan["counted"] == CountedDirection.BOTH
    who = "may send and receive" if both else "may send, and receive without being counted,"
    article = "an" if period == QuotaPeriod.HOUR else "a"
    over = OVER_QUOTA[ExceededAction(plan["over_quota"])].format(period=period)
    lasts = ""
    if plan["rate"] and not of_bytes:
        lasts = f" At the full rate that lasts {durations.roughly(quota / plan['rate']) or 'less than a minute'}."
    return f"An application {who} {amount} {article} {period}. {over}{lasts}"
