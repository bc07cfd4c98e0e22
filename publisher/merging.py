"""What two people changed in one design at the same time, told apart field by field. Pure.

A page takes along a digest of every field as it was drawn, its base. A field whose value is still that of the base was
not touched by the person who sends it, and what others have made of it stays. Digests of secrets are made of names, and
of sealed values: never of a secret.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from publisher import mock

DOCUMENTS: Mapping[str, str] = {
    "production": "production_",
    "sandbox": "sandbox_",
    "endpoint_options": "",
    "mock": "mock_",
}
"""The parts of a design that are documents of fields, with what stands before the names of these."""
RELATED = frozenset({"plans", "categories"})
"""The parts of a design that are other rows, known by their names."""
SECRETS = ("secret_headers", "secret_query", "secret_key", "token_secret")
"""The fields whose values nobody reads back (`publisher.secret_options`). A base has two digests of each: of what
people see, and under `sealed(field)` of what is stored."""
_ENDPOINT: Mapping[str, Any] = {"url": "", "failover": []}
EMPTY: Mapping[str, Mapping[str, Any]] = {"production": _ENDPOINT, "sandbox": _ENDPOINT, "mock": mock.OFF}
"""The fields of a document of which nothing is stored."""


def fields_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of some clean or stored parts, by the name that it has on a page; other rows by their names."""
    fields: dict[str, Any] = {}
    for part, value in parts.items():
        if part in DOCUMENTS:
            document = {**EMPTY.get(part, {}), **value}
            fields.update({f"{DOCUMENTS[part]}{name}": each for name, each in document.items()})
        elif part in RELATED:
            fields[part] = sorted(row.name for row in value)
        else:
            fields[part] = value
    return fields


def parts_of(fields: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in the parts and documents of `like` again."""
    parts: dict[str, Any] = {}
    for part, value in like.items():
        if part in DOCUMENTS:
            names = EMPTY.get(part, value)
            parts[part] = {name: fields[f"{DOCUMENTS[part]}{name}"] for name in names}
        else:
            parts[part] = fields[part]
    return parts


def sealed(field: str) -> str:
    """What the digest of a secret field's sealed value is called."""
    return f"sealed_{field}"


def digest(value: Any) -> str:
    """A short name of a value, the same for 5 and 5.0."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = float(value)
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def conflicts(
    sent: Mapping[str, Any], stored: Mapping[str, Any], changed_here: set[str], base: Mapping[str, str]
) -> list[str]:
    """The fields that were changed here and meanwhile in the store, to different values."""
    return sorted(
        name
        for name in changed_here & sent.keys()
        if sent[name] != stored[name] and base.get(sealed(name) if name in SECRETS else name) != digest(stored[name])
    )
