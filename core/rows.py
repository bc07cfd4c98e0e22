"""Rows: hold one until the transaction ends, write one that must be the only one of its kind, take many in turn."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model

from core.errors import DomainError

Row = TypeVar("Row", bound=Model)
Thing = TypeVar("Thing")


def lock(row: Row, gone: Callable[[], DomainError], *, no_key: bool = False) -> Row:
    """The row as it is now, kept still until the transaction ends. Raises what `gone` makes if it was deleted.

    With `no_key` others may still refer to the row (PostgreSQL's FOR NO KEY UPDATE).
    """
    found = type(row)._default_manager.select_for_update(no_key=no_key).filter(pk=row.pk).first()
    if found is None:
        raise gone()
    return found


def save(row: Row, taken: Callable[[], DomainError]) -> Row:
    """Write the row, whose constraints say what must be unique. Raises what `taken` makes if another row is like it."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise taken() from None
    return row


def batches(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """The things in lists of so many, of which only one is held at a time."""
    rest = iter(things)
    while some := list(islice(rest, size)):
        yield some
