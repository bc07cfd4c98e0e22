"""Columns that hold another column folded, so that every database searches and keeps apart names as people do.

SQLite knows the cases of ASCII letters only and PostgreSQL those of its locale. A `FoldedText` is filled whenever its
column is written through a model or through `Folding`, its manager. Filters on it fold what they look for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.db import models
from django.db.models.lookups import Contains

from core.lookalikes import looks
from core.text import fold

Row = TypeVar("Row", bound=models.Model)


def folded(value: Any) -> str:
    """What a folded column holds of a value."""
    if isinstance(value, str):
        return fold(value)
    return "".join(f"\n{fold(each)}\n" for each in value or ())


class FoldedText(models.TextField):  # type: ignore[type-arg]
    """The column called `of` as `core.text.fold` has it; a list has each of its texts on a line between line ends."""

    made_of: Callable[[Any], str] = staticmethod(folded)
    """What stands in it for a value of the column it is made of."""

    def __init__(self, of: str, **options: Any) -> None:
        self.of = of
        super().__init__(**{**options, "editable": False, "default": ""})

    def deconstruct(self) -> Any:
        """As a migration writes it."""
        name, path, arguments, options = super().deconstruct()
        options.pop("editable"), options.pop("default")
        return name, path, arguments, {**options, "of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """What is written beside the column it is made of."""
        value = self.made_of(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, value)
        return value

    def get_prep_value(self, value: Any) -> Any:
        """What is looked for is folded too."""
        return fold(value) if isinstance(value, str) else value


class LookText(FoldedText):
    """The column called `of` as `core.lookalikes.looks` has it. Look for what it makes of names."""

    made_of = staticmethod(looks)


@FoldedText.register_lookup
class HoldsFolded(Contains):
    """`name_key__contains`: whether the text occurs, in any case and spelling."""

    prepare_rhs = True  # by the column's `get_prep_value`, as other lookups are


class Folding(models.QuerySet[Row]):
    """Keeps folded columns true where rows are updated without being loaded."""

    def update(self, **values: Any) -> int:
        """As Django's; a folded column follows the one it is made of, which must be given as a value."""
        following = {field.name: field.made_of(values[field.of]) for field in _folded_of(self.model, values)}
        return super().update(**{**following, **values})


class KeepsFolded(models.Model):
    """A model with folded columns."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        """As Django's; with `update_fields` a folded column is written with the one it is made of."""
        if (named := options.get("update_fields")) is not None:
            options["update_fields"] = [*named, *(field.name for field in _folded_of(type(self), named))]
        super().save(*args, **options)


def whole(text: str) -> str:
    """What to look for in the folded column of a list to find `text` as a whole entry."""
    return f"\n{text}\n"


def condition(terms: Iterable[tuple[str, str]], lookups: Mapping[str, str | Callable[[str], models.Q]]) -> models.Q:
    """Rows that fit every term of `core.searching.terms_of`; a lookup is Django's, or makes a condition of a value."""
    wanted = models.Q()
    for field, value in terms:
        lookup = lookups[field]
        wanted &= models.Q(**{lookup: value}) if isinstance(lookup, str) else lookup(value)
    return wanted


def _folded_of(model: type[models.Model], names: Iterable[str]) -> list[FoldedText]:
    wanted = set(names)
    return [field for field in model._meta.concrete_fields if isinstance(field, FoldedText) and field.of in wanted]
