"""Lists of which a page at a time is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


class KeysFirst(Generic[Row]):
    """Rows as `found` finds and orders them, by their keys; those of a page are then read whole, as `whole` reads them.

    What is sorted is carried along, and a row with a design and a snapshot is a thousand times as long as its key: the
    last page of ten thousand such rows took ten times as long as the first.
    """

    def __init__(
        self,
        found: QuerySet[Row] | Sequence[Any],
        whole: QuerySet[Row],
        number: int | None = None,
        is_cut: bool = False,
    ) -> None:
        """`found` are rows, or keys that are known; `number` is how many, where that is known. Of more, it `is_cut`."""
        self._found, self._whole, self._number, self.is_cut = found, whole, number, is_cut

    @property
    def keys(self) -> QuerySet[Row, Any] | Sequence[Any]:
        """All of them."""
        return self._found.values_list("pk", flat=True) if isinstance(self._found, QuerySet) else self._found

    def __len__(self) -> int:
        if self._number is None:
            self._number = self._found.count() if isinstance(self._found, QuerySet) else len(self._found)
        return self._number

    def __getitem__(self, page: slice) -> list[Row]:
        keys = list(self.keys[page])
        rows = {row.pk: row for row in self._whole.filter(pk__in=keys)}
        return [rows[key] for key in keys if key in rows]

    def __iter__(self) -> Iterator[Row]:
        return iter(self[:])
