"""Business plans side by side."""

from collections.abc import Callable, Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.text import byte_size, spaced
from publisher.models import Plan
from publisher.plan_summary import PER
from publisher.plan_terms import Billing, CountedDirection, ExceededAction, QuotaPeriod, QuotaUnit

NONE = gettext_lazy("no limit")
OVER_RATE = {
    ExceededAction.DELAY: gettext_lazy("wait"),
    ExceededAction.DROP: gettext_lazy("are dropped"),
    ExceededAction.CLOSE: gettext_lazy("end the connection"),
}
OVER_QUOTA = {
    ExceededAction.CLOSE: gettext_lazy("end the connection"),
    ExceededAction.DROP: gettext_lazy("are dropped"),
    ExceededAction.PASS: gettext_lazy("pass, and are counted"),
}


def _quota(plan: Plan) -> str | Promise:
    if plan.quota is None:
        return NONE
    amount = byte_size(plan.quota) if plan.quota_unit == QuotaUnit.BYTES else spaced(plan.quota)
    return _(PER[QuotaPeriod(plan.quota_period)]) % {"amount": amount}


def _limit(number: int | None) -> str | Promise:
    return NONE if number is None else spaced(number)


ROWS: Mapping[Promise, Callable[[Plan], str | Promise]] = {
    gettext_lazy("Messages, or bytes"): _quota,
    gettext_lazy("At most a second"): lambda plan: _limit(plan.rate),
    gettext_lazy("Connections at once"): lambda plan: _limit(plan.connections),
    gettext_lazy("New connections a minute"): lambda plan: _limit(plan.connects),
    gettext_lazy("Largest message"): lambda plan: NONE if plan.message_bytes is None else byte_size(plan.message_bytes),
    gettext_lazy("Your applications"): lambda plan: (
        NONE
        if plan.applications is None
        else ngettext("%(count)s application", "%(count)s applications", plan.applications)
        % {"count": spaced(plan.applications)}
    ),
    gettext_lazy("What counts"): lambda plan: (
        _("sent") if plan.counted != CountedDirection.BOTH else _("sent and received")
    ),
    gettext_lazy("Messages that are too fast"): lambda plan: (
        "–" if plan.rate is None else OVER_RATE[ExceededAction(plan.over_rate)]
    ),
    gettext_lazy("Messages over the quota"): lambda plan: (
        "–" if plan.quota is None else OVER_QUOTA[ExceededAction(plan.over_quota)]
    ),
    gettext_lazy("Approval"): lambda plan: (
        _("by the publisher") if plan.requires_approval else _("none: it works at once")
    ),
    gettext_lazy("Price"): lambda plan: _("commercial") if plan.billing == Billing.COMMERCIAL else _("free"),
}


def side_by_side(plans: Sequence[Plan]) -> list[tuple[str, list[str]]]:
    """Row by row: what it is, and what each plan says of it. What none of them limits is left out."""
    rows = [(str(label), [str(of(plan)) for plan in plans]) for label, of in ROWS.items()]
    return [(label, values) for label, values in rows if set(values) - {str(NONE), "–"}]
