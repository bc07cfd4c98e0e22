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
        """Let it draw from its plans; or the refusal, where one of them allows no more or is not known now."""
        subscription, application = plans_of(connection.admitted)
        try:
            connection.admission = await self._lease_client.enter(subscription=subscription, application=application)
        except PlanExceeded as error:
            return refusals.over_plan(error.subject, str(error), error.retry_after)
        except PlanUnknown:
            return refusals.PLAN_UNKNOWN
        return None

    def follow(self, connection: Connection) -> None:
        """A decision has changed: hold the connection, and all that share its plans, to what they are now."""
        for plan in plans_of(connection.admitted):
            if plan:
                self._lease_client.change(*plan)
        if connection.relay:
            connection.relay.limit_messages(message_bytes(connection.admitted))

    def leave(self, connection: Connection) -> None:
        """Draw from its plans no more; nothing happens when it does not."""
        admission, connection.admission = connection.admission, None
        if admission:
            admission.leave(self._lease_client.clock())


def plans_of(admitted: Allow) -> tuple[PlanOf | None, PlanOf]:
    """The business plan of the subscription that is called under, and the plan of the application that calls."""
    grant, subscription = admitted.grant, admitted.subscription
    application = PlanOf(application_account(grant.application_id), grant.limits)
    if subscription is None:
        return None, application
    return PlanOf(api_account(grant.application_id, admitted.route.deployment.api_id), subscription.limits), application


def message_bytes(admitted: Allow) -> int | None:
    """The longest message that the client may send, in bytes; None for any."""
    plan = admitted.subscription.limits.message_bytes if admitted.subscription else None
    own = admitted.route.deployment.message_bytes or None
    return min((each for each in (plan, own) if each is not None), default=None)


def extensions_for(admitted: Allow, offered: str) -> str:
    """What of a client's offer of extensions its backend is offered: none under a plan that counts what is inside."""
    is_plain = admitted.subscription is not None and admitted.subscription.limits.uncompressed
    return "" if is_plain else offered


def meters_of(admission: Admission | None) -> tuple[Meter, Meter]:
    """What the client's messages draw from, and what the backend's do."""
    return (admission.client, admission.backend) if admission else (FREE, FREE)
