"""How an API is presented, and who answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from core.rest.documents import Strict
from publisher.api.documents.fields import OfTheWholeApi
from publisher.models import Api

OWNERS = {
    "businessOwner": "business_owner",
    "businessOwnerEmail": "business_owner_email",
    "technicalOwner": "technical_owner",
    "technicalOwnerEmail": "technical_owner_email",
}
LINKS = {"source": "source_link", "chat": "chat_link", "support": "support_link"}
AUDIENCE = ("visibility", "visible_roles", "access_control", "access_control_roles")


class Names(serializers.ListField):
    """The plans or the categories of an API by name."""

    child = serializers.CharField()

    def to_representation(self, data: Any) -> list[str]:
        """In alphabetical order."""
        return sorted(each.name for each in data.all())


class Texts(OfTheWholeApi, Strict):
    """Texts of an API, each in a column of its row: `columns`, by the names here."""

    columns: ClassVar[Mapping[str, str]]

    def to_representation(self, instance: Api) -> Any:
        """All of them."""
        return {name: getattr(instance, column) for name, column in self.columns.items()}


class BusinessInformation(Texts):
    """Who answers for an API."""

    columns = OWNERS

    businessOwner = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    businessOwnerEmail = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    technicalOwner = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    technicalOwnerEmail = serializers.CharField(required=False, allow_blank=True, allow_null=True)


class Links(Texts):
    """Where people find an API's source, talk about it, and are helped."""

    columns = LINKS

    source = serializers.CharField(required=False, allow_blank=True, allow_null=True)  # type: ignore[assignment]
    chat = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    support = serializers.CharField(required=False, allow_blank=True, allow_null=True)


class Property(Strict):
    """One property of an API, and whether the Developer Portal shows it."""

    name = serializers.CharField()
    value = serializers.CharField(allow_blank=True)
    display = serializers.BooleanField(source="shown", default=False)


def presented_parts(given: Mapping[str, Any]) -> dict[str, Any]:
    """Names, owners, links and the description, of a valid body."""
    parts: dict[str, Any] = {}
    if "title" in given:
        parts["display_name"] = "" if given["title"] == given["name"] else given["title"]
    for document, names in (("businessInformation", OWNERS), ("links", LINKS)):
        if document in given:
            said = given[document] or {}
            parts |= {part: said.get(name) or "" for name, part in names.items() if name in said or not said}
    if "description" in given:
        parts["description"] = given["description"] or ""
    return parts
