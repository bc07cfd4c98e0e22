"""What a revision remembers of an API, and how a design differs from it."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.text import byte_size, listed, spaced
from publisher import runtime
from publisher.asyncapi import changes
from publisher.endpoint import EndpointOptions
from publisher.models import Api
from publisher.runtime import KEY_TYPES

# What the gateway reads of a snapshot, and what a person calls it. Plans are in the snapshot for the record;
# they act through subscriptions at once, so a change of plans asks for no new deployment.
ROUTED = {
    "name": "name",
    "context": "context",
    "version": "version",
    "is_default_version": "default version",
    "production": "production endpoint",
    "sandbox": "sandbox endpoint",
    "endpoint_options": "endpoint configuration",
    "topics": "topics",
    "definition": "AsyncAPI definition",
    "origins": "allowed origins",
    "query_token": "tokens in the address",
    "mock": "mock backend",
    **runtime.WORDS,
}


def take(api: Api, plans: Iterable[str] | None = None) -> dict[str, Any]:
    """The snapshot of the API as it is now: plain values for a JSON column. Whoever knows its `plans` names them."""
    return {
        "api_id": str(api.pk),
        "name": api.name,
        "context": api.context,
        "version": api.version,
        "is_default_version": api.is_default_version,
        "production": api.production,
        "sandbox": api.sandbox,
        "endpoint_options": EndpointOptions.from_document(api.endpoint_options).to_document(),
        "topics": api.topics,
        "definition": api.definition,
        "description": api.description,
        "tags": api.tags,
        "plans": sorted(api.plans.values_list("name", flat=True) if plans is None else plans),
        "origins": api.origins,
        "query_token": api.query_token,
        "mock": api.mock,
        **{column: getattr(api, column) for column in runtime.WORDS},
    }


def filled(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot with the default of all that did not exist yet in those days."""
    options = EndpointOptions.from_document(snapshot.get("endpoint_options", {}))
    absent = {"mock": {}, **runtime.defaults()}
    return {**absent, **snapshot, "endpoint_options": options.to_document()}


def key_types_served(api: Api) -> list[str]:
    """The types of key that reach something of what is deployed: an endpoint, or the mock in its place."""
    return key_types_of(api.deployed_revision.snapshot) if api.deployed_revision else []


def key_types_of(snapshot: Mapping[str, Any]) -> list[str]:
    """The types of key for which a snapshot has an endpoint, or a mock in its place."""
    is_mocked = snapshot.get("mock", {}).get("is_on", False)
    taken = snapshot.get("key_types", KEY_TYPES)
    return [each for each in KEY_TYPES if each in taken and (is_mocked or snapshot.get(each.lower(), {}).get("url"))]


def differences(api: Api) -> list[str]:
    """What differs between the design and the deployed revision, in words; empty when nothing is deployed."""
    if api.deployed_revision is None:
        return []
    now, deployed = take(api), filled(api.deployed_revision.snapshot)
    deployed.setdefault("definition", now["definition"])
    return [words for key, words in ROUTED.items() if now[key] != deployed.get(key)]


def breaking(api: Api) -> list[str]:
    """What of the design would break clients of the deployed revision, a sentence for each."""
    return breaking_between(api.deployed_revision.snapshot, take(api)) if api.deployed_revision else []


def breaking_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What of one snapshot would break clients of the one before it, a sentence for each."""
    old, new = filled(before), filled(after)
    found = changes.breaking(old["topics"], new["topics"])
    if old.get("query_token", True) and not new.get("query_token", True):
        found.append("Tokens in the address (?access_token=) are no longer taken.")
    if lost := [each.lower() for each in old["key_types"] if each not in new["key_types"]]:
        found.append(f"Keys for {listed(lost)} are no longer taken.")
    if old["payload_validation"] != new["payload_validation"] == runtime.ValidationMode.ENFORCE:
        found.append("A message that fits no payload schema of its topic ends its connection (1007).")
    for column, thing, rest in (
        ("message_bytes", "message", "what the plan says"),
        ("frame_bytes", "frame", "any size"),
    ):
        if new[column] and (not old[column] or new[column] < old[column]):
            was = byte_size(old[column]) if old[column] else rest
            found.append(f"A {thing} of a client has at most {byte_size(new[column])} now, it was {was}.")
    if new["message_rate"] and (not old["message_rate"] or new["message_rate"] < old["message_rate"]):
        was = f"{spaced(old['message_rate'])}" if old["message_rate"] else "as many as plans allow"
        found.append(f"All applications together have {spaced(new['message_rate'])} messages a second, it was {was}.")
    return found
