"""Tickets to connect with, for who is signed in to the portal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.rest.documents import Strict, answers
from devportal import operations, queries
from devportal.addresses import addresses_of
from devportal.api.keys import OneKey


class TicketRequest(Strict):
    """What to connect to."""

    apiId = serializers.UUIDField()
    scopes = serializers.ListField(child=serializers.CharField(), required=False)


class TicketDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A ticket, the address to connect to with it, and the id that the connection will have."""

    ticket = serializers.CharField()
    url = serializers.CharField()
    connectionId = serializers.CharField()
    validityTime = serializers.IntegerField(help_text="Seconds in which it can be used.")


class GenerateTicket(OneKey):
    """A ticket for one connection."""

    http_method_names = ("post", "options")
    field_names: ClassVar[Mapping[str, str]] = {}

    @extend_schema(
        operation_id="generateTicket",
        summary="Generate a ticket for one connection",
        tags=["Keys"],
        request=TicketRequest,
        responses=answers({201: TicketDocument}, 400, 403, 404, 409, 429),
    )
    def post(self, request: Request, application_id: UUID, key_mapping_id: int) -> Response:
        """It counts once, soon, and only from the origin that asks."""
        client = self.client(application_id, key_mapping_id)
        body = TicketRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given: dict[str, Any] = body.validated_data
        api = queries.api_for(self.user, given["apiId"])
        issued = operations.issue_ticket(
            client=client,
            api=api,
            origin=request.headers.get("Origin", ""),
            scopes=given.get("scopes", ()),
            **self.by,
        )
        document = {
            "ticket": issued.ticket,
            "url": f"{addresses_of(api).wss}?ticket={issued.ticket}",
            "connectionId": issued.connection_id,
            "validityTime": round((issued.expires_at - timezone.now()).total_seconds()),
        }
        return Response(document, status=201, headers={"Cache-Control": "no-store"})
