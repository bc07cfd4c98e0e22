"""The life of a subscription, as a table. Pure: the page draws its buttons from it and the operation obeys it."""

from enum import StrEnum

from core.translating import gettext_lazy as _


class SubscriptionState(StrEnum):
    """Where a subscription stands. The value is WSO2's word; `LABELS` has what a person reads."""

    UNBLOCKED = "UNBLOCKED"
    BLOCKED = "BLOCKED"
    PROD_ONLY_BLOCKED = "PROD_ONLY_BLOCKED"
    ON_HOLD = "ON_HOLD"
    REJECTED = "REJECTED"


LABELS = {
    SubscriptionState.UNBLOCKED: _("Active"),
    SubscriptionState.BLOCKED: _("Blocked"),
    SubscriptionState.PROD_ONLY_BLOCKED: _("Production blocked"),
    SubscriptionState.ON_HOLD: _("Waiting for approval"),
    SubscriptionState.REJECTED: _("Rejected"),
}
IN_A_SENTENCE = {
    SubscriptionState.UNBLOCKED: _("active"),
    SubscriptionState.BLOCKED: _("blocked"),
    SubscriptionState.PROD_ONLY_BLOCKED: _("production blocked"),
    SubscriptionState.ON_HOLD: _("waiting for approval"),
    SubscriptionState.REJECTED: _("rejected"),
}
REASONS = {
    SubscriptionState.BLOCKED: _(
        "The publisher has blocked you from this API. That holds for all of your applications, new ones included, "
        "until the block is lifted."
    ),
    SubscriptionState.PROD_ONLY_BLOCKED: _(
        "The publisher has blocked your production keys from this API. That holds for all of your applications, "
        "new ones included, until the block is lifted."
    ),
    SubscriptionState.ON_HOLD: _("It works as soon as the publisher approves it."),
    SubscriptionState.REJECTED: _("The publisher has rejected it."),
}
CHOICES = [(state.value, label) for state, label in LABELS.items()]

MAY_BECOME: dict[SubscriptionState, tuple[SubscriptionState, ...]] = {
    SubscriptionState.UNBLOCKED: (SubscriptionState.PROD_ONLY_BLOCKED, SubscriptionState.BLOCKED),
    SubscriptionState.PROD_ONLY_BLOCKED: (SubscriptionState.UNBLOCKED, SubscriptionState.BLOCKED),
    SubscriptionState.BLOCKED: (SubscriptionState.UNBLOCKED, SubscriptionState.PROD_ONLY_BLOCKED),
    SubscriptionState.ON_HOLD: (SubscriptionState.UNBLOCKED, SubscriptionState.REJECTED),
    SubscriptionState.REJECTED: (SubscriptionState.UNBLOCKED,),
}
BLOCKING = frozenset({SubscriptionState.BLOCKED, SubscriptionState.PROD_ONLY_BLOCKED})
AWAITING = frozenset({SubscriptionState.ON_HOLD, SubscriptionState.REJECTED})


def first_state(requires_approval: bool) -> SubscriptionState:
    """Where a new subscription stands: it waits if its plan has to be approved."""
    return SubscriptionState.ON_HOLD if requires_approval else SubscriptionState.UNBLOCKED


def state_under_new_plan(state: str, requires_approval: bool) -> SubscriptionState:
    """Where a subscription stands after its owner chose another plan.

    A plan that has to be approved puts it on hold; another plan is a new request, so one that waited or was
    rejected starts again; a block stays.
    """
    return SubscriptionState(state) if state in BLOCKING else first_state(requires_approval)
