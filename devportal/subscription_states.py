"""The life of a subscription, as a table. Pure: the page draws its buttons from it and the operation obeys it."""

UNBLOCKED = "UNBLOCKED"
BLOCKED = "BLOCKED"
PROD_ONLY_BLOCKED = "PROD_ONLY_BLOCKED"
ON_HOLD = "ON_HOLD"
REJECTED = "REJECTED"

MAY_BECOME: dict[str, tuple[str, ...]] = {
    UNBLOCKED: (PROD_ONLY_BLOCKED, BLOCKED),
    PROD_ONLY_BLOCKED: (UNBLOCKED, BLOCKED),
    BLOCKED: (UNBLOCKED, PROD_ONLY_BLOCKED),
    ON_HOLD: (UNBLOCKED, REJECTED),
    REJECTED: (UNBLOCKED,),
}
BLOCKING = frozenset({BLOCKED, PROD_ONLY_BLOCKED})
AWAITING = frozenset({ON_HOLD, REJECTED})


def first_state(requires_approval: bool) -> str:
    """Where a new subscription stands: it waits if its plan has to be approved."""
    return ON_HOLD if requires_approval else UNBLOCKED


def state_under_new_plan(state: str, requires_approval: bool) -> str:
    """Where a subscription stands after its owner chose another plan.

    A plan that has to be approved puts it on hold; another plan is a new request, so one that waited or was
    rejected starts again; a block stays.
    """
    if state in BLOCKING:
        return state
    return first_state(requires_approval)


def verb_for(state: str) -> str:
    """What the audit log says was done to a subscription that was put into `state`."""
    if state in BLOCKING:
        return "blocked"
    return "unblocked" if state == UNBLOCKED else "updated"
