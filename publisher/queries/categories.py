"""The shelves of the catalogue."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet

from core.errors import Invalid, NotFound
from core.text import fold
from publisher.models import Category


class CategoryNotFound(NotFound):
    """There is no such category."""


class UnknownCategory(Invalid):
    """Categories were named that do not exist."""

    field = "categories"
    sentence = "There is no category called {names}. Administrators make them."


def all_categories() -> QuerySet[Category]:
    """Every category by name, with `api_count`."""
    return Category.objects.annotate(api_count=Count("apis")).order_by("name_key")


def get_category(pk: uuid.UUID | str) -> Category:
    """One category. Raises CategoryNotFound."""
    try:
        return all_categories().get(pk=pk)
    except (Category.DoesNotExist, ValidationError):
        raise CategoryNotFound("There is no such category. It may have been deleted.") from None


def categories_named(names: Iterable[str]) -> list[Category]:
    """The categories of these names, in any case of letters; raises UnknownCategory where one does not exist."""
    wanted = {fold(name): name for name in names}
    rows = {row.name_key: row for row in Category.objects.filter(name_key__in=wanted)}
    if missing := [name for key, name in wanted.items() if key not in rows]:
        raise UnknownCategory(names=", ".join(missing))
    return [rows[key] for key in wanted]
