"""Lists of which a page at a time is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(eq=False, repr=False)
class KeysFirst(Generic[Row]):
    """Rows as `found` finds and orders them, by their keys; those of a page are then read whole, as `whole` reads them.

    What is sorted is carried along, and a row with a design and a snapshot is a thousand times as long as its key: the
    last page of ten thousand such rows took ten times as long as the first.

    `found` are rows, or keys that are known; `number` is how many, where that is known. Of more, it `is_cut`.
    """

    found: QuerySet[Row] | Sequence[Any]
    whole: QuerySet[Row]
    number: int | None = None
    is_cut: bool = False

    @property
    def keys(self) -> QuerySet[Row, Any] | Sequence[Any]:
        """All of them."""
        return self.found.values_list("pk", flat=True) if isinstance(self.found, QuerySet) else self.found

    def __len__(self) -> int:
        if self.number is None:
            self.number = self.found.count() if isinstance(self.found, QuerySet) else len(self.found)
        return self.number

    def __getitem__(self, page: slice) -> list[Row]:
        keys = list(self.keys[page])
        rows = {row.pk: row for row in self.whole.filter(pk__in=keys)}
        return [rows[key] for key in keys if key in rows]

    def __iter__(self) -> Iterator[Row]:
        return iter(self[:])
