"""Values and rows that the scenarios of the gateway begin with. What is not said takes a sensible value."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from gateway.authorization.grants import Grant, SubscriptionGrant
from gateway.handshake.request import Credential, CredentialSource, Handshake, read
from gateway.routing.deployment import DeployedDesign, Deployment
from gateway.routing.topics import Topic, TopicSet
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.versions import sort_key

NOW = 1_800_000_000.0
HOUR = 3600.0
PRODUCTION, SANDBOX = Endpoint("ws://backend.test:9900/app"), Endpoint("ws://sandbox.test:9900/app")


def deployment(context: str = "/echo", version: str = "1.0.0", **given: Any) -> Deployment:
    """A published, deployed API with both endpoints; its id is its context and version."""
    designed: dict[str, Any] = {
        "endpoints": {"PRODUCTION": PRODUCTION, "SANDBOX": SANDBOX},
        "options": EndpointOptions(),
        "topics": topic_set(given.pop("topics", ())),
    }
    designed |= {each.name: given.pop(each.name) for each in fields(DeployedDesign) if each.name in given}
    design = DeployedDesign(**designed)
    known: dict[str, Any] = {
        "api_id": f"{context}@{version}",
        "name": "Echo",
        "state": "PUBLISHED",
        "rank": sort_key(version),
        "read_design": lambda: design,
        "revision_id": "r1",
    }
    return Deployment(context=context, version=version, **{**known, **given})


def topic_set(topics: Any) -> TopicSet:
    """Topics given as targets or as Topic values."""
    return TopicSet(each if isinstance(each, Topic) else Topic(each) for each in topics)


def grant(*, subscribed: tuple[str, ...] = ("/echo@1.0.0",), state: str = "UNBLOCKED", **given: Any) -> Grant:
    """A production token of Carol's application, good for an hour, subscribed to the APIs with these ids."""
    known: dict[str, Any] = {
        "token_id": "1",
        "client_id": "client",
        "application_id": "app",
        "application_name": "Chat client",
        "owner_id": "7",
        "owner_name": "carol",
        "key_type": "PRODUCTION",
        "scopes": frozenset({"default"}),
        "expires_at": NOW + HOUR,
        "subscriptions": {api_id: SubscriptionGrant(f"s-{api_id}", "Gold", state) for api_id in subscribed},
    }
    return Grant(**{**known, **given})


def scope(path: str = "/echo/1.0.0", *, query: str = "", headers: Any = (), **given: Any) -> dict[str, Any]:
    """An ASGI scope as uvicorn makes it; headers as pairs of text."""
    known: dict[str, Any] = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "subprotocols": [],
        "client": ("192.0.2.7", 50000),
        "scheme": "ws",
    }
    return {**known, **given}


def handshake(
    path: str = "/echo/1.0.0",
    source: CredentialSource | None = CredentialSource.HEADER,
    token: str = "t0ken",  # noqa: S107
) -> Handshake:
    """A handshake that shows `token` in this way, or nothing."""
    query = f"access_token={token}" if source is CredentialSource.QUERY else ""
    made = read(scope(path, query=query))
    if source in (None, CredentialSource.QUERY):
        return made
    credential = Credential(source, token if source is CredentialSource.HEADER else "")
    return replace(made, credential=credential)
