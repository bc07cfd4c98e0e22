"""The verbs under which the gateway asks its workers for something, on the audit log. Pure."""

from typing import Final

REAUTHENTICATION_ASKED: Final = "connection.renewal_asked"
CLOSING_ASKED: Final = "connection.closed"
CLOSINGS_ASKED: Final = "connections.closed"
DRAIN_ASKED: Final = "connections.drained"
