"""What administrators want to know of each application, for forms, pages and REST."""

from __future__ import annotations

from django.db.models import QuerySet

from devportal.errors import AttributeNotFound
from devportal.models import Application, ApplicationAttribute


def attributes() -> QuerySet[ApplicationAttribute]:
    """Every attribute, in the order in which they were defined."""
    return ApplicationAttribute.objects.order_by("pk")


def get_attribute(pk: int) -> ApplicationAttribute:
    """One of them. Raises AttributeNotFound."""
    found = attributes().filter(pk=pk).first()
    if found is None:
        raise AttributeNotFound
    return found


def answered(application: Application, *, is_hidden: bool) -> dict[str, str]:
    """What an application says to the attributes that are shown, or to the hidden ones, by name."""
    wanted = attributes().filter(is_hidden=is_hidden).values_list("name", flat=True)
    return {name: application.attributes[name] for name in wanted if name in application.attributes}


def answers_to(attribute: ApplicationAttribute) -> int:
    """How many applications say something to it."""
    return Application.objects.filter(attributes__has_key=attribute.name).count()
