"""What the documents of REST are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from publisher.models import Api


def within(*words: str) -> Callable[[Any], bool]:
    """Says whether a list holds nothing but these words."""
    return lambda value: isinstance(value, list) and all(each in words for each in value)


class OfTheWholeApi:
    """A field or document that is written from several columns of the row: its `to_representation` gets the row."""

    def get_attribute(self, instance: Api) -> Api:
        return instance


class Number(serializers.FloatField):
    """A number, also as text; an empty text is none."""

    def to_internal_value(self, data: Any) -> Any:
        """The number. Raises ValidationError for what is none, or for infinity."""
        if data == "":
            return None
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class UpperChoice(serializers.ChoiceField):
    """A word of ours, in capitals as WSO2 writes its own."""

    def __init__(self, choices: list[str], **options: Any) -> None:
        super().__init__([word.upper() for word in choices], **options)

    def to_representation(self, value: Any) -> str:
        """In capitals."""
        return str(value).upper()

    def to_internal_value(self, data: Any) -> str:
        """In small letters. Raises ValidationError."""
        return str(super().to_internal_value(data)).lower()
