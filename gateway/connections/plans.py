"""The plans in one worker: a connection enters under them, follows them when they change, and leaves."""

from __future__ import annotations

from gateway import refusals
from gateway.authorization.decision import Allow
from gateway.connections.registry import Connection
from gateway.quotas.admission import Admission
from gateway.quotas.client import LeaseClient, PlanExceeded, PlanUnknown
from gateway.quotas.meter import FREE, Meter
from gateway.quotas.rules import api_account, application_account
from gateway.quotas.state import PlanOf
from gateway.refusals import Refusal


class ConnectionPlans:
    """Plans as a `LeaseClient` holds them: on leases, for every worker together."""

    def __init__(self, lease_client: LeaseClient) -> None:
        self._lease_client = lease_client

    async def enter(self, connection: Connection) -> Refusal | None:
        """As `ConnectionPlans.enter`."""
        try:
            connection.admission = await self._lease_client.enter(
                subscription=subscription_of(connection.admitted), application=application_of(connection.admitted)
            )
        except PlanExceeded as error:
            return refusals.over_plan(error.subject, str(error), error.retry_after)
        except PlanUnknown:
            return refusals.PLAN_UNKNOWN
        return None

    def follow(self, connection: Connection) -> None:
        """A decision has changed: hold the connection, and all that share its plans, to what they are now."""
        for plan in (subscription_of(connection.admitted), application_of(connection.admitted)):
            if plan:
                self._lease_client.change(*plan)
        if connection.relay:
            connection.relay.limit_messages(message_bytes(connection.admitted))

    def leave(self, connection: Connection) -> None:
        """As `ConnectionPlans.leave`."""
        entry, connection.admission = connection.admission, None
        if entry:
            entry.leave(self._lease_client.clock())


def subscription_of(admitted: Allow) -> PlanOf | None:
    """The business plan of the subscription that is called under."""
    account = api_account(admitted.grant.application_id, admitted.route.api_id)
    return PlanOf(account, admitted.subscription.limits) if admitted.subscription else None


def application_of(admitted: Allow) -> PlanOf | None:
    """The plan of the application that calls."""
    return PlanOf(application_account(admitted.grant.application_id), admitted.grant.limits)


def message_bytes(admitted: Allow) -> int | None:
    """The longest message that the client may send, in bytes; None for any."""
    return admitted.subscription.limits.message_bytes if admitted.subscription else None


def meters_of(entry: Admission | None) -> tuple[Meter, Meter]:
    """What the client's messages draw from, and what the backend's do."""
    return (entry.client, entry.backend) if entry else (FREE, FREE)
