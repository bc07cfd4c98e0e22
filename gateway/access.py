"""One line in the access log for every client that was refused and every line that ended. Never a query or a header.

The sentence is for people; for programs everything in it, and more, stands in the record's fields.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from gateway.authorization import Refuse
from gateway.connections import Line
from gateway.relay import Relay

log = logging.getLogger("gateway.access")


def refused(scope: Mapping[str, Any], refusal: Refuse) -> None:
    """A handshake that became no connection."""
    client = (scope.get("client") or ("-", 0))[0]
    path = ascii(scope["path"])[1:-1]
    fields = {"client_ip": client, "path": path, "status": refusal.status, "code": refusal.code}
    log.info("%s GET %s %d %d %s", client, path, refusal.status, refusal.code, refusal.message, extra=fields)


def turned_away(client: str, refusal: Refuse, request_id: str) -> None:
    """A client whose request was not even looked into: malformed, too long, too late, or one too many."""
    fields = {"client_ip": client, "status": refusal.status, "code": refusal.code, "request_id": request_id}
    log.info("%s - %d %d %s", client or "-", refusal.status, refusal.code, refusal.message, extra=fields)


def ended(line: Line, relay: Relay) -> None:
    """A connection that was, whose it was, how long, what passed, and who ended it how."""
    farewell, traffic = relay.farewell(), relay.traffic()
    log.info(
        "%s %s/%s application %s line %s %.1f s, in %d messages %d bytes, out %d messages %d bytes, %s closed %d",
        line.client_ip or "-",
        line.admitted.route.context,
        line.admitted.route.version,
        line.application_id,
        line.id,
        relay.seconds,
        *traffic,
        farewell.by,
        relay.ending.code if relay.ending else farewell.client_code,
        extra={**_whose(line), **traffic._asdict(), **_how(relay)},
    )


def _whose(line: Line) -> dict[str, Any]:
    admitted = line.admitted
    return {
        "request_id": line.id,
        "client_ip": line.client_ip,
        "api": admitted.route.name,
        "context": admitted.route.context,
        "version": admitted.route.version,
        "application": admitted.grant.application_name,
        "application_id": line.application_id,
        "subscriber": admitted.grant.owner_name,
        "plan": admitted.subscription.plan if admitted.subscription else "",
    }


def _how(relay: Relay) -> dict[str, Any]:
    farewell = relay.farewell()
    return {
        "seconds": round(relay.seconds, 3),
        "ended_by": farewell.by,
        "client_code": farewell.client_code,
        "backend_code": farewell.backend_code,
        "reason": farewell.reason,
    }
