"""Business plans side by side."""

from collections.abc import Callable, Mapping, Sequence

from core.text import byte_size, count, spaced
from publisher.models import Plan
from publisher.plan_terms import Billing, CountedDirection, ExceededAction, QuotaUnit

NONE = "no limit"
OVER_RATE = {
    ExceededAction.DELAY: "wait",
    ExceededAction.DROP: "are dropped",
    ExceededAction.CLOSE: "end the connection",
}
OVER_QUOTA = {
    ExceededAction.CLOSE: "end the connection",
    ExceededAction.DROP: "are dropped",
    ExceededAction.PASS: "pass, and are counted",
}


def _quota(plan: Plan) -> str:
    if plan.quota is None:
        return NONE
    amount = byte_size(plan.quota) if plan.quota_unit == QuotaUnit.BYTES else spaced(plan.quota)
    return f"{amount} a {plan.quota_period}".replace("a hour", "an hour")


def _limit(number: int | None, words: str = "{}") -> str:
    return NONE if number is None else words.format(spaced(number))


ROWS: Mapping[str, Callable[[Plan], str]] = {
    "Messages, or bytes": _quota,
    "At most a second": lambda plan: _limit(plan.rate),
    "Connections at once": lambda plan: _limit(plan.connections),
    "New connections a minute": lambda plan: _limit(plan.connects),
    "Largest message": lambda plan: NONE if plan.message_bytes is None else byte_size(plan.message_bytes),
    "Your applications": lambda plan: NONE if plan.applications is None else count(plan.applications, "application"),
    "What counts": lambda plan: "sent" if plan.counted != CountedDirection.BOTH else "sent and received",
    "Messages that are too fast": lambda plan: "–" if plan.rate is None else OVER_RATE[ExceededAction(plan.over_rate)],
    "Messages over the quota": lambda plan: "–" if plan.quota is None else OVER_QUOTA[ExceededAction(plan.over_quota)],
    "Approval": lambda plan: "by the publisher" if plan.requires_approval else "none: it works at once",
    "Price": lambda plan: "commercial" if plan.billing == Billing.COMMERCIAL else "free",
}


def side_by_side(plans: Sequence[Plan]) -> list[tuple[str, list[str]]]:
    """Row by row: what it is, and what each plan says of it. What none of them limits is left out."""
    rows = [(label, [of(plan) for plan in plans]) for label, of in ROWS.items()]
    return [(label, values) for label, values in rows if set(values) - {NONE, "–"}]
