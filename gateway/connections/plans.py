"""The plans in one worker: a connection enters under them, follows them when they change, and leaves."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import refusals
from gateway.authorization.decision import Allow
from gateway.connections.registry import Connection
from gateway.handshake.extensions import only_deflate
from gateway.payloads.schemas import Checks
from gateway.quotas.admission import Admission
from gateway.quotas.client import LeaseClient, PlanExceeded, PlanUnknown
from gateway.quotas.meter import FREE, Meter
from gateway.quotas.rules import api_account, application_account, whole_api_account
from gateway.quotas.state import PlanOf
from gateway.refusals import Refusal
from publisher.runtime import ValidationMode

Plans = tuple[PlanOf | None, PlanOf, PlanOf]


@dataclass(frozen=True, slots=True)
class ConnectionPlans:
    """Plans as a `LeaseClient` holds them: on leases, for every worker together."""

    lease_client: LeaseClient

    async def enter(self, connection: Connection) -> Refusal | None:
        """Let it draw from its plans; or the refusal, where one of them allows no more or is not known now."""
        subscription, application, api = all_plans_of(connection.admitted)
        try:
            connection.admission = await self.lease_client.enter(
                subscription=subscription, application=application, api=api
            )
        except PlanExceeded as error:
            return refusals.over_plan(error.subject, str(error), error.retry_after)
        except PlanUnknown:
            return refusals.PLAN_UNKNOWN
        return None

    def follow(self, connection: Connection) -> None:
        """A decision has changed: hold the connection, and all that share its plans, to what they are now."""
        for plan in all_plans_of(connection.admitted):
            if plan:
                self.lease_client.change(*plan)
        if connection.relay:
            frame_bytes = connection.admitted.route.deployment.design.frame_bytes or None
            connection.relay.limit_messages(message_bytes(connection.admitted), frame_bytes)

    def leave(self, connection: Connection) -> None:
        """Draw from its plans no more; nothing happens when it does not."""
        admission, connection.admission = connection.admission, None
        if admission:
            admission.leave(self.lease_client.clock())


def all_plans_of(admitted: Allow) -> Plans:
    """The business plan of the subscription that is called under, the plan of the application that calls, and what all
    applications together may send and receive on the API with keys of this type."""
    grant, subscription, deployment = admitted.grant, admitted.subscription, admitted.route.deployment
    api = api_account(grant.application_id, deployment.api_id)
    return (
        PlanOf(api, subscription.limits) if subscription else None,
        PlanOf(application_account(grant.application_id), grant.limits),
        PlanOf(whole_api_account(deployment.api_id, grant.key_type), deployment.design.limits),
    )


def message_bytes(admitted: Allow) -> int | None:
    """The longest message that the client may send, in bytes; None for any."""
    plan = admitted.subscription.limits.message_bytes if admitted.subscription else None
    own = admitted.route.deployment.design.message_bytes or None
    return min((each for each in (plan, own) if each is not None), default=None)


def checks_of(admitted: Allow) -> Checks | None:
    """What the messages of the connection are held against; None where that is nothing."""
    topic, mode = admitted.route.topic, admitted.route.deployment.design.validation
    if mode is ValidationMode.OFF or topic is None or not (topic.client or topic.backend):
        return None
    return Checks(mode, topic.client, topic.backend)


def extensions_for(admitted: Allow, offered: str) -> str:
    """What of a client's offer of extensions its backend is offered: none under a plan that counts what is inside, and
    only what can be read where messages are looked at."""
    if admitted.subscription is not None and admitted.subscription.limits.uncompressed:
        return ""
    return only_deflate(offered) if checks_of(admitted) else offered


def meters_of(admission: Admission | None) -> tuple[Meter, Meter]:
    """What the client's messages draw from, and what the backend's do."""
    return (admission.client, admission.backend) if admission else (FREE, FREE)
