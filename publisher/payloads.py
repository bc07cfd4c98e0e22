"""The JSON Schema of a message and its examples: which may stand in a design, and whether they fit. Pure.

A schema is of JSON Schema 2020-12, or of draft 7 where its `$schema` says so. It refers to nothing outside itself:
the gateway fetches no schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from core.values import BadValue

SCHEMA_BYTES, EXAMPLE_BYTES, MAXIMUM_EXAMPLES, DEPTH = 65_536, 16_384, 10, 40
DRAFT_7, DRAFT_2020 = "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"
_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000)
_VALIDATORS = {DRAFT_7: jsonschema_rs.Draft7Validator, DRAFT_2020: jsonschema_rs.Draft202012Validator}


def validator_of(schema: Any, *, mask: str | None = None) -> jsonschema_rs.Validator:
    """What checks payloads by a schema. It fetches nothing: left to itself the library asks the network.

    A pattern that would try too many ways does not match. With a `mask`, messages show it in place of what was sent.
    """

    def refuse(address: str) -> Any:
        raise ValueError(f"{address} is not part of the schema")

    return _VALIDATORS[draft_of(schema)](schema, retriever=refuse, mask=mask, pattern_options=_PATTERNS)


def clean_schema(schema: Any) -> Any:
    """The schema as it is stored, `true` and `false` as the objects that mean the same; raises BadValue."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}  # AsyncAPI 3 takes no others
    if not isinstance(schema, dict):
        raise BadValue('A payload schema is a JSON object such as {"type": "object"}.')
    _bounded(schema, SCHEMA_BYTES, "A payload schema")
    if draft_of(schema) not in _VALIDATORS:
        raise BadValue(f"$schema is {DRAFT_2020} or {DRAFT_7}. Leave it out for the first.")
    for reference in references_in(schema):
        if not reference.startswith("#"):
            raise BadValue(f"A schema cannot refer to {reference}, which is not part of it. Bring it in under $defs.")
    try:
        validator_of(schema)
    except jsonschema_rs.ValidationError as error:
        place = "/" + "/".join(map(str, error.instance_path)) if error.instance_path else "its top"
        raise BadValue(f"This is no JSON Schema: at {place}, {error.message[:200]}.") from None
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise BadValue(f"This schema refers to something that is not in it: {str(error)[:200]}.") from None
    return schema


def clean_examples(examples: Any) -> list[Any]:
    """The examples as they are stored, in their order; raises BadValue."""
    if not isinstance(examples, list | tuple) or len(examples) > MAXIMUM_EXAMPLES:
        raise BadValue(f"Examples are a list of at most {MAXIMUM_EXAMPLES} payloads.")
    for example in examples:
        _bounded(example, EXAMPLE_BYTES, "An example")
    return list(examples)


def misfits(schema: Any, examples: list[Any]) -> list[str]:
    """What of clean examples a clean schema would not let pass, a sentence for each."""
    validator = validator_of(schema)
    sentences = []
    for number, example in enumerate(examples, start=1):
        if error := next(iter(validator.iter_errors(example)), None):
            place = "/" + "/".join(map(str, error.instance_path)) if error.instance_path else "its top"
            sentences.append(f"Example {number} does not fit the schema: at {place}, {error.message[:200]}.")
    return sentences


def draft_of(schema: Any) -> str:
    """The `$schema` of a schema, as it is called here; 2020-12 where there is none."""
    named = schema.get("$schema", DRAFT_2020) if isinstance(schema, dict) else DRAFT_2020
    return DRAFT_7 if named == DRAFT_7.rstrip("#") else str(named)


def references_in(value: Any) -> Iterator[str]:
    """What `$ref` names anywhere in a value; a property may be called `$ref` too, and is no text then."""
    for key, each in value.items() if isinstance(value, dict) else ():
        if key == "$ref" and isinstance(each, str):
            yield each
        else:
            yield from references_in(each)
    for each in value if isinstance(value, list) else ():
        yield from references_in(each)


def levels_of(value: Any, most: int) -> int:
    """How many levels a value has, one inside the other, counted up to `most`."""
    level, depth = [value], 0
    while level and depth < most:
        depth += 1
        level = [
            below
            for each in level
            if isinstance(each, dict | list)
            for below in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _bounded(value: Any, most: int, what: str) -> None:
    """Raise BadValue for what is larger or deeper than a design holds."""
    if levels_of(value, DEPTH + 1) > DEPTH:
        raise BadValue(f"{what} has at most {DEPTH} levels, one inside the other.")
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError):
        raise BadValue(f"{what} is not JSON: numbers are finite, and text has whole characters.") from None
    if size > most:
        raise BadValue(f"{what} has at most {most // 1024} KiB; this one has {size / 1024:.1f}.")
