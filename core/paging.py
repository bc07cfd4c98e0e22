"""Lists of which a page at a time is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


class KeysFirst(Generic[Row]):
    """Rows as `found` finds and orders them, by their keys; those of a page are then read whole, as `whole` reads them.

    What is sorted is carried along, and a row with a design and a snapshot is a thousand times as long as its key: the
    last page of ten thousand such rows took ten times as long as the first.
    """

    def __init__(self, found: QuerySet[Row], whole: QuerySet[Row], number: int | None = None) -> None:
        """`number` is how many are found, where that is known already."""
        self._found, self._whole, self._number = found, whole, number

    def __len__(self) -> int:
        if self._number is None:
            self._number = self._found.count()
        return self._number

    def __getitem__(self, page: slice) -> list[Row]:
        keys = list(self._found.values_list("pk", flat=True)[page])
        rows = {row.pk: row for row in self._whole.filter(pk__in=keys)}
        return [rows[key] for key in keys if key in rows]

    def __iter__(self) -> Iterator[Row]:
        return iter(self[:])
