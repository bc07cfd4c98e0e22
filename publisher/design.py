"""The design of an API as one document: what each part may hold, and which backends it names. Pure.

The parts are those of `PARTS`, by the names of the columns that store them. A page or a REST body sends all or some.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from core.errors import Invalid
from core.values import BadValue, refuse
from publisher import presentation, runtime, validation
from publisher.endpoint import read_endpoint, read_options
from publisher.mock import clean_mock
from publisher.origins import clean_origins
from publisher.topics import clean_topics

MOST_BYTES = 1_048_576
COPIED = (
    *("name", "display_name", "context", "description", "tags", "thumbnail"),
    *("visibility", "visible_roles", "access_control", "access_control_roles"),
    *("business_owner", "business_owner_email", "technical_owner", "technical_owner_email"),
    *("source_link", "chat_link", "support_link", "properties"),
    *("production", "sandbox", "endpoint_options", "topics", "definition", "origins", "query_token"),
    *("mock", "first_plan", *runtime.WORDS),
)
"""What a new version takes over from the one before it."""


def read(given: Mapping[str, Any], cleaners: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Every part through its cleaner, ready to be stored.

    Raises Invalid with a sentence for each field that cannot be taken; those of an endpoint are called
    `production_url`, `production_failover` and so on, those of the options by their own names, those of a
    mock `mock_script` and so on.
    """
    values, errors = {}, {}
    for part, value in given.items():
        try:
            if part not in cleaners:
                raise BadValue("This cannot be changed here.")
            values[part] = cleaners[part](value)
        except BadValue as error:
            errors[part] = str(error)
        except Invalid as error:
            errors.update({f"{PREFIXES.get(part, '')}{field}": sentence for field, sentence in error.fields.items()})
    refuse(errors)
    return values


def backends(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The addresses that clean parts name, by the field that a refusal of them belongs to."""
    documents = {part: values.get(part) or {} for part in ("production", "sandbox")}
    return {
        field: urls
        for part, document in documents.items()
        for field, urls in (
            (f"{part}_url", [document.get("url", "")]),
            (f"{part}_failover", document.get("failover", [])),
        )
    } | {"token_url": [(values.get("endpoint_options") or {}).get("token_url", "")]}


def _endpoint(value: Any) -> dict[str, Any]:
    endpoint = read_endpoint(value or {})
    return endpoint.to_document() if endpoint else {}


def _rest(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(json.dumps(value).encode()) > MOST_BYTES:
        raise BadValue(f"What a definition holds beside the design has at most {MOST_BYTES // 1024} KiB.")
    return value


NAMES: Mapping[str, Callable[[Any], Any]] = {
    "name": validation.clean_name,
    "version": validation.clean_version,
}
PARTS: Mapping[str, Callable[[Any], Any]] = {
    "context": validation.clean_context,
    "display_name": presentation.clean_display_name,
    "description": validation.clean_description,
    "tags": validation.clean_tags,
    "visibility": presentation.clean_visibility,
    "visible_roles": presentation.clean_roles,
    "access_control": presentation.clean_access_control,
    "access_control_roles": presentation.clean_roles,
    "business_owner": presentation.clean_owner,
    "business_owner_email": presentation.clean_email,
    "technical_owner": presentation.clean_owner,
    "technical_owner_email": presentation.clean_email,
    "source_link": presentation.clean_link,
    "chat_link": presentation.clean_link,
    "support_link": presentation.clean_link,
    "properties": presentation.clean_properties,
    "is_default_version": bool,
    "production": _endpoint,
    "sandbox": _endpoint,
    "endpoint_options": lambda value: read_options(value).to_document(),
    "topics": clean_topics,
    "definition": _rest,
    "origins": clean_origins,
    "query_token": bool,
    "mock": clean_mock,
    **runtime.CLEANERS,
    "first_plan": lambda value: str(value or "")[:60],
}
PREFIXES = {"production": "production_", "sandbox": "sandbox_", "mock": "mock_"}
