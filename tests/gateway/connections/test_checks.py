"""What a connection's messages are held against, and what its backend is offered for it."""

from __future__ import annotations

from typing import Any

from gateway.authorization.decision import Allow, authorize
from gateway.connections.plans import checks_of, extensions_for
from gateway.handshake.extensions import only_deflate
from gateway.payloads.schemas import PayloadCheck
from gateway.routing.table import RouteTable
from gateway.routing.topics import Topic
from publisher.runtime import ValidationMode
from tests.gateway import builders

CHECK = PayloadCheck([{"name": "say", "schema": {"type": "object"}}])
OFFER = "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits, permessage-deflate"


def admitted(mode: ValidationMode = ValidationMode.REPORT, path: str = "/rooms", **checks: Any) -> Allow:
    topics = [Topic("/rooms", **(checks or {"client": CHECK})), Topic("/free")]
    deployment = builders.deployment(topics=topics, validation=mode)
    match = RouteTable([deployment]).match(f"/echo/1.0.0{path}")
    decision = authorize(builders.handshake(), match, builders.grant(), builders.NOW)
    assert isinstance(decision, Allow)
    return decision


def test_a_connection_is_checked_where_its_topic_has_schemas_and_the_api_says_so() -> None:
    assert checks_of(admitted()) == (ValidationMode.REPORT, CHECK, None)
    assert checks_of(admitted(backend=CHECK)) == (ValidationMode.REPORT, None, CHECK)
    assert checks_of(admitted(ValidationMode.OFF)) is None
    assert checks_of(admitted(path="/free")) is None


def test_only_what_can_be_read_is_offered_where_messages_are_looked_at() -> None:
    readable = "permessage-deflate; client_max_window_bits, permessage-deflate"
    assert extensions_for(admitted(), OFFER) == readable
    assert extensions_for(admitted(ValidationMode.OFF), OFFER) == OFFER
    assert only_deflate("") == only_deflate("x-custom; a=b") == ""
