"""The AsyncAPI documents of an API: of its design, and of what the gateway serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from publisher import snapshots
from publisher.asyncapi import source
from publisher.asyncapi.definition import Design
from publisher.asyncapi.writing import write
from publisher.models import Api
from publisher.validation import served_path

FORMATS = {"yaml": (source.as_yaml, "application/yaml"), "json": (source.as_json, "application/json")}
LATEST = "3.0"


def of_design(api: Api) -> Design:
    """What the design says now, for those who make it: with its paths on the backend."""
    return _design(snapshots.take(api), with_mappings=True)


def of_deployed(api: Api) -> Design | None:
    """What the gateway serves, for those who call it; None where it serves nothing."""
    if api.deployed_revision is None:
        return None
    # A revision of former times remembers no description.
    snapshot = {"description": api.description, "tags": api.tags, "definition": {}, **api.deployed_revision.snapshot}
    return _design(snapshot, with_mappings=False)


def as_text(design: Design, version: str = LATEST, kind: str = "yaml") -> str:
    """The document of a design as a file holds it."""
    return FORMATS[kind][0](write(design, version))


def _design(snapshot: Mapping[str, Any], *, with_mappings: bool) -> Design:
    path = served_path(snapshot["context"], snapshot["version"])
    return Design(
        title=snapshot["name"],
        version=snapshot["version"],
        description=snapshot["description"],
        tags=snapshot["tags"],
        topics=snapshot["topics"],
        servers={"ws": settings.GATEWAY_WS_URL + path, "wss": settings.GATEWAY_WSS_URL + path},
        token_url=f"{settings.PORTAL_URL}/oauth2/token",
        authorization_url=f"{settings.PORTAL_URL}/oauth2/authorize",
        query_token=snapshot["query_token"],
        rest=snapshot["definition"],
        with_mappings=with_mappings,
    )
