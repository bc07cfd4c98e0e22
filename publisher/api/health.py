"""How the gateway fared with the addresses of an API, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Moment, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from publisher import health, queries
from publisher.runtime import KEY_TYPES


class LastDialDocument(serializers.Serializer):  # type: ignore[type-arg]
    """The latest dial of an address by any worker of the gateway."""

    at = Moment()
    worker = serializers.CharField(help_text="Host and process.")
    status = serializers.IntegerField(help_text="101, or the status with which clients were refused.")
    message = serializers.CharField(source="sentence", allow_blank=True)
    seconds = serializers.FloatField()


class AddressHealth(serializers.Serializer):  # type: ignore[type-arg]
    """One address of the deployed revision. What is not known, or not so, is null or empty."""

    environment = serializers.ChoiceField([*KEY_TYPES])
    url = serializers.CharField()
    primary = serializers.BooleanField(help_text="Else it is dialled where those before it fail.")
    lastDial = LastDialDocument(allow_null=True)
    lastOpenedAt = Moment(allow_null=True)
    lastFailedAt = Moment(allow_null=True)
    failuresInARow = serializers.IntegerField()
    suspended = serializers.BooleanField()
    suspendedUntil = Moment(allow_null=True)
    suspendedBy = serializers.CharField(allow_blank=True)


def document(place: health.DialledAddress) -> dict[str, Any]:
    """An address as REST shows it."""
    dial = place.dial
    known = {
        "environment": place.environment,
        "url": dial.address,
        "primary": place.is_primary,
        "lastDial": dial if dial.at else None,
        "lastOpenedAt": dial.opened,
        "lastFailedAt": dial.failed,
        "failuresInARow": dial.failures,
        "suspended": place.is_suspended,
        "suspendedUntil": dial.until if place.is_suspended else None,
        "suspendedBy": dial.suspended_by if place.is_suspended else "",
    }
    return dict(AddressHealth(known).data)


HealthList = list_of(AddressHealth, "EndpointHealthList")


class EndpointHealth(Resource):
    """What the gateway saw of an API's backends."""

    @extend_schema(
        operation_id="getEndpointHealth",
        summary="Read what became of the latest dials of the backends",
        tags=["APIs"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: HealthList}, 400, 403, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """In the order in which they are dialled; none while a mock answers or nothing is deployed."""
        api = queries.get_api_for(self.user, api_id)
        return Response(one_page(request, health.places_of(api, timezone.now()), document))
