"""What is read out of a request to the REST API: query parameters, the page of a list, search words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions
from rest_framework.request import Request

from core.folded import condition
from core.paging import KeysFirst
from core.searching import terms_of

Row = TypeVar("Row", bound=Model)
Thing = TypeVar("Thing")

DEFAULT_LIMIT, MAXIMUM_LIMIT = 25, 500
PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description=f"Rows a page, {DEFAULT_LIMIT} by default, at most {MAXIMUM_LIMIT}."),
    OpenApiParameter("offset", int, description="Rows to leave out at the beginning."),
]


def required_query(name: str, description: str, **options: Any) -> OpenApiParameter:
    """A query parameter that must be there."""
    return OpenApiParameter(name, str, description=description, required=True, **options)


def query_value(request: Request, name: str) -> str:
    """The value of a query parameter that must be there. Raises ValidationError."""
    value = request.query_params.get(name, "").strip()
    if not value:
        raise exceptions.ValidationError({name: f"Give {name} in the query."})
    return value


def query_flag(request: Request, name: str) -> bool:
    """A query parameter that is true or false; false when it is missing. Raises ValidationError."""
    value = request.query_params.get(name, "false").lower()
    if value not in {"true", "false"}:
        raise exceptions.ValidationError({name: "This is either true or false."})
    return value == "true"


def choose(request: Request, name: str, choices: Mapping[str, Thing], default: str) -> Thing:
    """What the value of a query parameter stands for. Raises ValidationError."""
    value = request.query_params.get(name, default)
    if value not in choices:
        raise exceptions.ValidationError({name: f"Choose one of {', '.join(choices)}."})
    return choices[value]


def one_page(
    request: Request, rows: QuerySet[Row] | list[Any] | KeysFirst[Any], document: Callable[[Any], Any]
) -> dict[str, Any]:
    """A page of a list as `{count, list, pagination}`. Raises ValidationError for a bad limit or offset."""
    limit = _number(request, "limit", DEFAULT_LIMIT, 1, MAXIMUM_LIMIT)
    offset = _number(request, "offset", 0, 0, 2**31)
    total = rows.count() if isinstance(rows, QuerySet) else len(rows)
    listed = [document(row) for row in rows[offset : offset + limit]]
    others = {key: value for key, value in request.query_params.items() if key not in {"limit", "offset"}}
    here = f"{request.path}?{urlencode({**others, 'limit': limit})}"
    return {
        "count": len(listed),
        "list": listed,
        "pagination": {
            "offset": offset,
            "limit": limit,
            "total": total,
            "next": f"{here}&offset={offset + limit}" if offset + limit < total else "",
            "previous": f"{here}&offset={max(0, offset - limit)}" if offset > 0 else "",
        },
    }


def search(
    rows: QuerySet[Row], text: str, lookups: Mapping[str, str | Callable[[str], Q]], default: str
) -> QuerySet[Row]:
    """Narrow by WSO2's search words: `name:chat version:1.0` or plain words, which are looked for in `default`.

    `lookups` maps each field to a lookup, or to what makes a condition of a value; `default` is a lookup or the name of
    such a field. Raises Invalid as `core.searching.terms_of` does.
    """
    return rows.filter(condition(terms_of(text, lookups, ""), {**lookups, "": lookups.get(default, default)}))


def changed(given: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """What of `given` differs from what is there `now`."""
    return {name: given[name] for name in names if name in given and given[name] != now[name]}


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > len(str(most)) or not least <= int(text) <= most:
        raise exceptions.ValidationError({name: f"Give a whole number from {least} to {most}."})
    return int(text)
