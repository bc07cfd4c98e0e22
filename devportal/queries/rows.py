"""One row by its id, or what is missing."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from core.errors import NotFound

Row = TypeVar("Row", bound=Model)


def one_of(rows: QuerySet[Row], pk: UUID | int | str, missing: type[NotFound]) -> Row:
    """The row of this id. Raises `missing`, also where the text is no id at all."""
    try:
        row = rows.filter(pk=pk).first()
    except (ValidationError, ValueError):
        row = None
    if row is None:
        raise missing
    return row
