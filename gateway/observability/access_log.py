"""One line in the access log for every client refused and every connection ended. Never a query or a header.

The sentence is for people; for programs everything in it, and more, stands in the record's fields.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from gateway.connections.registry import Connection
from gateway.refusals import Refusal
from gateway.relay.splice import Relay

log = logging.getLogger("gateway.access")


def refused(scope: Mapping[str, Any], refusal: Refusal) -> None:
    """A handshake that became no connection."""
    client = (scope.get("client") or ("-", 0))[0]
    path = ascii(scope["path"])[1:-1]
    fields = {"client_ip": client, "path": path, "status": refusal.status, "code": refusal.code}
    log.info("%s GET %s %d %d %s", client, path, refusal.status, refusal.code, refusal.message, extra=fields)


def turned_away(client: str, refusal: Refusal, request_id: str) -> None:
    """A client whose request was not even looked into: malformed, too long, too late, or one too many."""
    fields = {"client_ip": client, "status": refusal.status, "code": refusal.code, "request_id": request_id}
    log.info("%s - %d %d %s", client or "-", refusal.status, refusal.code, refusal.message, extra=fields)


def ended(connection: Connection, relay: Relay) -> None:
    """A connection that was, whose it was, how long, what passed, and who ended it how."""
    close_info, traffic = relay.close_info(), relay.traffic()
    grant, subscription = connection.admitted.grant, connection.admitted.subscription
    deployment = connection.admitted.route.deployment
    log.info(
        "%s %s/%s application %s connection %s %.1f s, in %d messages %d bytes, out %d messages %d bytes, %s closed %d",
        connection.client_ip or "-",
        deployment.context,
        deployment.version,
        connection.application_id,
        connection.id,
        relay.seconds,
        *traffic,
        close_info.by,
        relay.cause.code if relay.cause else close_info.client_code,
        extra={
            "request_id": connection.id,
            "client_ip": connection.client_ip,
            "api": deployment.name,
            "context": deployment.context,
            "version": deployment.version,
            "application": grant.application_name,
            "application_id": connection.application_id,
            "subscriber": grant.owner_name,
            "plan": subscription.plan if subscription else "",
            **traffic._asdict(),
            "seconds": round(relay.seconds, 3),
            "ended_by": close_info.by,
            "client_code": close_info.client_code,
            "backend_code": close_info.backend_code,
            "reason": close_info.reason,
        },
    )
