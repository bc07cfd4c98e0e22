"""What the gateway keeps of a deployed revision's snapshot, and how it is understood.

An installation has ten thousand APIs, of which few are called at one time. Of each a worker keeps some hundred bytes:
what the gateway reads of its snapshot, compressed. It is understood when somebody calls the API, and the MOST_READ that
were called last stay understood. APIs that are designed alike share one. Nothing but memory is needed for it: secrets
are opened when the snapshot is read from the database, for the key may have been changed twice since.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from django.conf import settings

from gateway.payloads.schemas import check_of
from gateway.quotas.limits import UNLIMITED, PlanLimits
from gateway.routing.deployment import DeployedDesign
from gateway.routing.topics import Topic, TopicSet
from publisher import secret_options
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.mock import Mock
from publisher.origins import Origins
from publisher.plan_terms import ExceededAction, QuotaPeriod, QuotaUnit
from publisher.runtime import KEY_TYPES, ValidationMode, all_key_managers, defaults

MOST_READ: Final = 1000  # designs, some 5 to 10 kB each, with schemas and examples more
MOCKED: Final = Endpoint("ws://mock.invalid")
"""Stands where a mock answers: the host is what it is told that it is."""

_NEEDED: Final = ("production", "sandbox", "endpoint_options", "topics", "origins", "mock", *defaults())
_DEFAULT_OPTIONS: Final = EndpointOptions().to_document()
NOTHING_DESIGNED: Final = DeployedDesign(endpoints={}, options=EndpointOptions(), topics=TopicSet())
"""The design of what is not deployed."""


def packed(snapshot: Mapping[str, Any]) -> bytes:
    """What of a snapshot `design_of` needs, and can read.

    Raises core.vault.CannotOpen, and KeyError, TypeError, ValueError and AttributeError where it makes no sense.
    """
    kept = {name: snapshot[name] for name in _NEEDED if name in snapshot}
    options = secret_options.opened(snapshot["endpoint_options"]).items()
    kept["endpoint_options"] = {
        name: value for name, value in options if name not in _DEFAULT_OPTIONS or value != _DEFAULT_OPTIONS[name]
    }
    is_checked = snapshot.get("payload_validation", ValidationMode.OFF) != ValidationMode.OFF
    if not (is_checked or snapshot.get("mock", {}).get("is_on")):
        names = ("target", "verbs", "mapping", "scopes")  # of schemas and examples nobody will ask
        kept["topics"] = [{name: topic[name] for name in names if name in topic} for topic in snapshot["topics"]]
    return _readable(zlib.compress(json.dumps(kept, separators=(",", ":")).encode()))


@lru_cache(maxsize=MOST_READ)
def _readable(kept: bytes) -> bytes:
    """The same, once it was read; of several that are alike the first, so that one is kept."""
    _read(kept)
    return kept


def _read(kept: bytes) -> DeployedDesign:
    snapshot = json.loads(zlib.decompress(kept))
    mock = Mock.from_document(snapshot.get("mock", {}), snapshot["topics"])
    endpoints = {
        each: MOCKED if mock else Endpoint.from_document(snapshot[each.lower()]) for each in ("PRODUCTION", "SANDBOX")
    }
    validation = ValidationMode(snapshot.get("payload_validation", ValidationMode.OFF))
    is_checked = validation is not ValidationMode.OFF
    topics = [
        Topic(
            target=document["target"],
            verbs=tuple(document.get("verbs", ())),
            mapping=document.get("mapping", ""),
            scopes=frozenset(document.get("scopes", ())),
            client=check_of(document, "publish") if is_checked else None,
            backend=check_of(document, "subscribe") if is_checked else None,
        )
        for document in snapshot["topics"]
    ]
    return DeployedDesign(
        endpoints={key_type: endpoint for key_type, endpoint in endpoints.items() if endpoint},
        options=EndpointOptions.from_document(snapshot["endpoint_options"]),
        topics=TopicSet(topics),
        origins=Origins(
            tuple(snapshot.get("origins", ())), console=(settings.PORTAL_URL,), console_key=settings.SECRET_KEY
        ),
        mock=mock,
        message_bytes=snapshot.get("message_bytes", 0),
        key_types=frozenset(snapshot.get("key_types", KEY_TYPES)),
        validation=validation,
        frame_bytes=snapshot.get("frame_bytes", 0),
        key_managers=frozenset(snapshot.get("key_managers", all_key_managers())),
        limits=_limits_of_api({**defaults(), **snapshot}),
    )


design_of = lru_cache(maxsize=MOST_READ)(_read)
"""What was `packed`."""


def _limits_of_api(runtime: Mapping[str, Any]) -> PlanLimits:
    """What all applications together may use of an API; a plan's terms say it too."""
    if not (runtime["message_rate"] or runtime["byte_quota"]):
        return UNLIMITED
    return PlanLimits(
        quota=runtime["byte_quota"] or None,
        unit=QuotaUnit.BYTES,
        period=QuotaPeriod(runtime["byte_period"]),
        over_quota=ExceededAction(runtime["over_byte_quota"]),
        rate=runtime["message_rate"] or None,
        over_rate=ExceededAction(runtime["over_rate"]),
    )
