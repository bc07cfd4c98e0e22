"""The plans at the door of one worker: a line enters under them, follows them when they change, and leaves."""

from __future__ import annotations

from typing import Protocol

from gateway import closing
from gateway.authorization import Admit, Refuse
from gateway.connections import Line
from gateway.leases.entry import Entry
from gateway.leases.keeper import Keeper, PlanExceeded, PlanUnknown
from gateway.leases.ledger import Named
from gateway.metering import FREE, Meter


class Plans(Protocol):
    """What the consumer asks of plans."""

    async def enter(self, line: Line) -> Refuse | None:
        """Let a line in under its plans, or say why not. Called once, while it is being opened."""

    def leave(self, line: Line) -> None:
        """The line has ended, or was not let in after all. May be called again."""


class KeptPlans:
    """Plans as a `Keeper` holds them: on leases, for every worker together."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def enter(self, line: Line) -> Refuse | None:
        """As `Plans.enter`."""
        try:
            line.entry = await self._keeper.enter(
                subscription=subscription_of(line.admitted), application=application_of(line.admitted)
            )
        except PlanExceeded as error:
            return closing.over_plan(error.subject, str(error), error.retry_after)
        except PlanUnknown:
            return closing.plan_unknown()
        return None

    def follow(self, line: Line) -> None:
        """What was decided about the line has changed: hold it, and all that share its plans, to what they are now."""
        for subject, named in (
            ("subscription", subscription_of(line.admitted)),
            ("application", application_of(line.admitted)),
        ):
            if named:
                self._keeper.change(f"{subject}:{named[0]}", named[1])
        if line.passing:
            line.passing.limit_messages(message_bytes(line.admitted))

    def leave(self, line: Line) -> None:
        """As `Plans.leave`."""
        entry, line.entry = line.entry, None
        if entry:
            entry.leave(self._keeper.clock())


def subscription_of(admitted: Admit) -> Named | None:
    """The id of the subscription that is called under, and the limits of its plan."""
    held = admitted.subscription
    return (held.id, held.limits) if held else None


def application_of(admitted: Admit) -> Named | None:
    """The id of the application that calls, and the limits of its plan."""
    return admitted.grant.application_id, admitted.grant.limits


def message_bytes(admitted: Admit) -> int | None:
    """The longest message that the client may send, in bytes; None for any."""
    return admitted.subscription.limits.message_bytes if admitted.subscription else None


def meters_of(entry: Entry | None) -> tuple[Meter, Meter]:
    """What the client's messages draw from, and what the backend's do."""
    return (entry.client, entry.backend) if entry else (FREE, FREE)
