"""What the bodies of the REST API are made of: strict input, the page of a list, the shape of a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiResponse
from rest_framework import exceptions, serializers

EMPTY: tuple[Any, ...] = (None, "", [], {}, False)
"""What says nothing, wherever something else is possible."""
_REFUSALS = {
    400: "Something in the request is wrong; `error` names the fields.",
    401: "Nobody is signed in, or the token does not count.",
    403: "You may not do this.",
    404: "There is no such thing for you.",
    409: "It exists already, has changed meanwhile, or is in a state that does not allow this.",
    412: "If-Match names another state than the present one.",
    429: "Too often. `Retry-After` says in how many seconds to come back.",
    503: "What it takes to answer is out of reach at the moment.",
}


class Constant(serializers.Field):  # type: ignore[type-arg]
    """A field of WSO2's that has one value here. Sending that value back is fine, sending another is refused."""

    def __init__(self, value: Any) -> None:
        super().__init__(read_only=True, source="*")
        self.value = value

    def to_representation(self, value: Any) -> Any:
        return self.value


class ConstantSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """How a constant looks in the OpenAPI document."""

    target_class = Constant

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """The type of the one value, which stands as the default."""
        names = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
        schema: dict[str, Any] = {"type": names[type(self.target.value)], "default": self.target.value}
        return {**schema, "items": {"type": "string"}} if schema["type"] == "array" else schema


@dataclass(frozen=True, slots=True)
class Neutral:
    """A field of WSO2's that is not kept: what `accepts` takes means what holds anyway, `why` refuses the rest."""

    accepts: Callable[[Any], bool]
    why: str

    @classmethod
    def one_of(cls, *values: Any, why: str) -> Neutral:
        """A field for which these values say nothing new."""
        return cls(lambda value: value in values, why)

    @classmethod
    def off(cls, switch: str, why: str) -> Neutral:
        """A group of settings that means nothing while its switch is off."""
        return cls(lambda value: isinstance(value, Mapping) and not value.get(switch), why)


class Strict(serializers.Serializer):  # type: ignore[type-arg]
    """A body in which nothing is lost silently.

    A field that cannot be written may be sent if it is empty or says what holds anyway, so that what was read can be
    sent back; everything else that is not understood is refused by name. `ignored` lists what means nothing here,
    `neutral` what means nothing in some values, with the reason why others are refused.
    """

    ignored: ClassVar[frozenset[str]] = frozenset()
    neutral: ClassVar[Mapping[str, Neutral]] = {}

    def to_internal_value(self, data: Any) -> Any:
        """Check for what would be lost, then validate as usual."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        if self.instance is not None:
            holds = dict(self.to_representation(self.instance))
        else:
            constants = {key: field.value for key, field in self.fields.items() if isinstance(field, Constant)}
            holds = {**constants, **self.context.get("holds", {})}
        understood = {field.field_name for field in self._writable_fields} | self.ignored
        lost = {}
        for key, value in data.items():
            neutral = self.neutral.get(key)
            if key in understood or (key in holds and holds[key] == value) or (neutral and neutral.accepts(value)):
                continue
            if says_nothing(value) and not (value is False and holds.get(key) is True):
                continue
            if neutral:
                lost[key] = neutral.why
            elif key in self.fields:
                lost[key] = f"{key} cannot be set to this value here."
            else:
                lost[key] = f"{key} is not supported. Leave it out."
        if lost:
            raise exceptions.ValidationError(lost)
        return super().to_internal_value(data)


def says_nothing(value: Any) -> bool:
    """Whether a value is empty, all through."""
    if isinstance(value, Mapping):
        return all(says_nothing(each) for each in value.values())
    return value in EMPTY


Moment = partial(serializers.DateTimeField, read_only=True, default_timezone=UTC)
"""A time as ISO 8601 in UTC."""


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


class ErrorDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Every answer that is not a success."""

    code = serializers.IntegerField(help_text="A number for programs.")
    message = serializers.CharField(help_text="The kind of refusal.")
    description = serializers.CharField(help_text="A sentence for people: what happened, and what to do.")
    moreInfo = serializers.CharField()
    error = FieldError(many=True)


def answers(success: Mapping[Any, Any], *refusals: int) -> dict[Any, Any]:
    """The answers of an operation for the OpenAPI document: `success`, the refusals named, and those of every one.

    400 is one of these: any address and any body may hold what no text can.
    """
    numbers = sorted({400, 401, *refusals})
    return {**success, **{number: OpenApiResponse(ErrorDocument, _REFUSALS[number]) for number in numbers}}


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
