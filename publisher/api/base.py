"""What every REST resource shares: pages of a list, strict bodies, search, and the shape of a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, TypedDict, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import exceptions, permissions, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from publisher.permissions import can_enter

Row = TypeVar("Row", bound=Model)
Thing = TypeVar("Thing")

DEFAULT_LIMIT, MAXIMUM_LIMIT = 25, 500
EMPTY: tuple[Any, ...] = (None, "", [], {}, False)


class By(TypedDict):
    """Who does something, and when."""

    actor: User
    now: datetime


class Resource(APIView):
    """A view of the REST API. `field_names` maps what the operations call a field to what the body calls it."""

    field_names: ClassVar[Mapping[str, str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks, whether they may at all, and nothing in the address that no text can hold."""
        super().initial(request, *args, **kwargs)
        if any("\0" in text for text in (*request.query_params.values(), *map(str, kwargs.values()))):
            raise exceptions.ValidationError({"address": "An address cannot contain the character NUL."})

    @property
    def user(self) -> User:
        """Who asks; every resource that uses this lets nobody in without signing in."""
        assert isinstance(self.request.user, User)  # noqa: S101 - IsAuthenticated has been checked
        return self.request.user

    @property
    def by(self) -> By:
        """What every operation is told: who asks, and when."""
        return {"actor": self.user, "now": timezone.now()}


class EntersPublisher(permissions.BasePermission):
    """For lists, of which a stranger would see an empty one; single things are not found by strangers instead."""

    message = "The Publisher is for creators, publishers and observers. Ask an administrator for one of these roles."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the user holds a role in the Publisher."""
        return isinstance(request.user, User) and can_enter(request.user)


IN_THE_PUBLISHER = [permissions.IsAuthenticated, EntersPublisher]


class PreconditionFailed(exceptions.APIException):
    """If-Match names another state of the thing than the present one."""

    status_code = 412
    default_detail = "It was changed after you read it. Read it again, then send your change with the new ETag."


class Constant(serializers.Field):  # type: ignore[type-arg]
    """A field of WSO2's that has one value here. Sending that value back is fine, sending another is refused."""

    def __init__(self, value: Any) -> None:
        super().__init__(read_only=True, source="*")
        self.value = value

    def to_representation(self, value: Any) -> Any:
        """The one value."""
        return self.value


class ConstantSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """How a constant looks in the OpenAPI document."""

    target_class = Constant

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """The type of the one value, which stands as the default."""
        names = {bool: "boolean", int: "integer", str: "string", list: "array"}
        schema: dict[str, Any] = {"type": names[type(self.target.value)], "default": self.target.value}
        return {**schema, "items": {"type": "string"}} if schema["type"] == "array" else schema


class Strict(serializers.Serializer):  # type: ignore[type-arg]
    """A body in which nothing is lost silently.

    A field that cannot be written may be sent if it is empty or says what holds anyway, so that what was read can be
    sent back; everything else that is not understood is refused by name. `ignored` lists what means nothing here.
    """

    ignored: ClassVar[frozenset[str]] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        """Check for what would be lost, then validate as usual."""
        if isinstance(data, Mapping) and (lost := self._lost(data)):
            raise exceptions.ValidationError(lost)
        return super().to_internal_value(data)

    def _lost(self, data: Mapping[str, Any]) -> dict[str, str]:
        written = {field.field_name for field in self._writable_fields}
        holds = self._what_holds()
        rest = {key: value for key, value in data.items() if key not in written | self.ignored and value not in EMPTY}
        return {key: self._refusal(key) for key, value in rest.items() if key not in holds or holds[key] != value}

    def _what_holds(self) -> Mapping[str, Any]:
        if self.instance is not None:
            return dict(self.to_representation(self.instance))
        constants = {key: field.value for key, field in self.fields.items() if isinstance(field, Constant)}
        return {**constants, **self.context.get("holds", {})}

    def _refusal(self, key: str) -> str:
        if key in self.fields:
            return f"{key} cannot be set to this value here."
        return f"{key} is not supported. Leave it out."


class Moment(serializers.DateTimeField):
    """A time as ISO 8601 in UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, default_timezone=UTC, **options)


class Pagination(serializers.Serializer):  # type: ignore[type-arg]
    """Where a page of a list stands in the whole."""

    offset = serializers.IntegerField()
    limit = serializers.IntegerField()
    total = serializers.IntegerField()
    next = serializers.CharField(help_text="Address of the next page; empty on the last.")
    previous = serializers.CharField(help_text="Address of the page before; empty on the first.")


class FieldError(serializers.Serializer):  # type: ignore[type-arg]
    """What is wrong with one field."""

    code = serializers.CharField()
    field = serializers.CharField()
    message = serializers.CharField()


class Refusal(serializers.Serializer):  # type: ignore[type-arg]
    """Every answer that is not a success."""

    code = serializers.IntegerField(help_text="A number for programs.")
    message = serializers.CharField(help_text="The kind of refusal.")
    description = serializers.CharField(help_text="A sentence for people: what happened, and what to do.")
    moreInfo = serializers.CharField()
    error = FieldError(many=True)


PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description=f"Rows a page, {DEFAULT_LIMIT} by default, at most {MAXIMUM_LIMIT}."),
    OpenApiParameter("offset", int, description="Rows to leave out at the beginning."),
]
_REFUSALS = {
    400: "Something in the request is wrong; `error` names the fields.",
    401: "Nobody is signed in, or the token does not count.",
    403: "You may not do this.",
    404: "There is no such thing for you.",
    409: "It exists already, has changed meanwhile, or is in a state that does not allow this.",
    412: "If-Match names another state than the present one.",
    503: "What it takes to answer is out of reach at the moment.",
}


def answers(success: Mapping[int, Any], *refusals: int) -> dict[int, Any]:
    """The answers of an operation for the OpenAPI document: `success`, 401, and the refusals named."""
    return {**success, **{number: OpenApiResponse(Refusal, _REFUSALS[number]) for number in (401, *refusals)}}


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


def one_page(request: Request, rows: QuerySet[Row] | list[Any], document: Callable[[Any], Any]) -> dict[str, Any]:
    """A page of a list as `{count, list, pagination}`. Raises ValidationError for a bad limit or offset."""
    limit = _number(request, "limit", DEFAULT_LIMIT, 1, MAXIMUM_LIMIT)
    offset = _number(request, "offset", 0, 0, 2**31)
    total = rows.count() if isinstance(rows, QuerySet) else len(rows)
    listed = [document(row) for row in rows[offset : offset + limit]]
    return {
        "count": len(listed),
        "list": listed,
        "pagination": {
            "offset": offset,
            "limit": limit,
            "total": total,
            "next": _address(request, offset + limit, limit) if offset + limit < total else "",
            "previous": _address(request, max(0, offset - limit), limit) if offset > 0 else "",
        },
    }


def search(rows: QuerySet[Row], text: str, lookups: Mapping[str, str], default: str) -> QuerySet[Row]:
    """Narrow by WSO2's search words: `name:chat version:1.0` or plain words, which are looked for in `default`.

    `lookups` maps each modifier to a lookup. Raises ValidationError for a modifier that is not among them.
    """
    for word in text.split():
        modifier, colon, value = word.partition(":")
        if colon and modifier not in lookups:
            known = ", ".join(f"{each}:" for each in lookups)
            raise exceptions.ValidationError({"query": f"{modifier}: cannot be searched for. Possible: {known}"})
        rows = rows.filter(**{lookups[modifier] if colon else default: (value if colon else word).strip('"')})
    return rows


def list_of(document: type[serializers.BaseSerializer[Any]], name: str) -> Any:
    """The serializer of a page of `document`, for the OpenAPI document."""
    fields = {
        "count": serializers.IntegerField(),
        "list": document(many=True),
        "pagination": Pagination(),
        "__doc__": "A page of a list.",
        "__module__": document.__module__,
    }
    return type(name, (serializers.Serializer,), fields)


def changed(given: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """What of `given` differs from what is there `now`."""
    return {name: given[name] for name in names if name in given and given[name] != now[name]}


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise exceptions.ValidationError({name: f"Give a whole number from {least} to {most}."})
    return int(text)


def _address(request: Request, offset: int, limit: int) -> str:
    others = {key: value for key, value in request.query_params.items() if key not in {"limit", "offset"}}
    return f"{request.path}?{urlencode({**others, 'limit': limit, 'offset': offset})}"
