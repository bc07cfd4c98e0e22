"""Making, changing and deleting the categories of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.values import clean, within
from publisher import presentation, queries
from publisher.models import Api, Category
from publisher.permissions import require_manage_categories

CLEANERS = {
    "name": presentation.clean_category_name,
    "description": lambda text: within(
        text.strip(), presentation.CATEGORY_DESCRIPTION_LENGTH, "The description of a category"
    ),
}


class CategoryExists(Conflict):
    """There is a category of this name, in any case of letters."""

    field = "name"
    sentence = "There is a category called {name} already. Choose another name."


def create_category(*, name: str, description: str = "", actor: User, now: datetime) -> Category:
    """Make a category. Raises RoleRequired, Invalid (by field) or CategoryExists."""
    require_manage_categories(actor)
    category = Category(**clean({"name": name, "description": description}, CLEANERS))
    with transaction.atomic():
        rows.save(category, taken=lambda: CategoryExists(name=category.name))
        record_change(category, "created", actor=actor, now=now)
    return category


def update_category(*, category: Category, changes: Mapping[str, Any], actor: User, now: datetime) -> Category:
    """Change the name or description; APIs stay in it.

    Raises RoleRequired, Invalid (by field), CategoryExists or CategoryNotFound.
    """
    require_manage_categories(actor)
    values = clean(changes, CLEANERS)
    with transaction.atomic():
        row = _locked(category)
        before = {field: getattr(row, field) for field in values}
        if values == before:
            return row
        for field, value in values.items():
            setattr(row, field, value)
        rows.save(row, taken=lambda: CategoryExists(name=row.name))
        Api.objects.filter(categories=row).update(updated_at=now)  # what they show has changed
        record_change(row, "updated", actor=actor, now=now, before=before, after=values)
    return row


def delete_category(*, category: Category, actor: User, now: datetime) -> None:
    """Delete a category; APIs that are in it go on without it. Raises RoleRequired or CategoryNotFound."""
    require_manage_categories(actor)
    with transaction.atomic():
        row = _locked(category)
        left = Api.objects.filter(categories=row)
        record_change(row, "deleted", actor=actor, now=now, apis=sorted(map(str, left)))
        left.update(updated_at=now)
        row.delete()


def _locked(category: Category) -> Category:
    return rows.lock(category, gone=lambda: queries.CategoryNotFound(f"{category} has been deleted meanwhile."))
