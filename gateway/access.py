"""One line in the access log for every client that was refused and every line that ended. Never a query or a header."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from gateway.authorization import Refuse
from gateway.connections import Line
from gateway.relay import Ending, Relay

log = logging.getLogger("gateway.access")


def refused(scope: Mapping[str, Any], refusal: Refuse) -> None:
    """A handshake that became no connection."""
    client = (scope.get("client") or ("-", 0))[0]
    log.info("%s GET %s %d %d %s", client, ascii(scope["path"])[1:-1], refusal.status, refusal.code, refusal.message)


def ended(line: Line, relay: Relay) -> None:
    """A connection that was, whose it was, how long, what passed, and who ended it how."""
    ending = relay.ending or Ending("gateway", 1006, "")
    client, backend = relay.client.scanner, relay.backend.scanner
    log.info(
        "%s %s/%s application %s line %s %.1f s, in %d messages %d bytes, out %d messages %d bytes, %s closed %d",
        line.client_ip or "-",
        line.admitted.route.context,
        line.admitted.route.version,
        line.application_id,
        line.id,
        relay.seconds,
        client.messages,
        client.octets,
        backend.messages,
        backend.octets,
        ending.by,
        ending.code,
    )
