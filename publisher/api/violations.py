"""Messages that fitted no schema of their topic, over HTTP."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Moment, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from publisher import permissions, queries, violations


class SampleDocument(serializers.Serializer):  # type: ignore[type-arg]
    """One message. `payload` is how it begins, left out for who may not read it."""

    at = Moment()
    message = serializers.CharField(help_text="The message of the topic that it comes closest to.")
    path = serializers.CharField(help_text="A JSON pointer (RFC 6901); empty for the whole payload.")
    problem = serializers.CharField()
    closed = serializers.BooleanField(source="is_closed", help_text="Whether its connection was ended for it.")
    payload = serializers.CharField(required=False)
    bytes = serializers.IntegerField(source="octets")


class ViolationsDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What one application's connections carried on a topic that fitted nothing, by who sent it."""

    applicationId = serializers.CharField(source="application_id")
    applicationName = serializers.CharField(source="application")
    subscriber = serializers.CharField()
    topic = serializers.CharField()
    sender = serializers.ChoiceField(["client", "backend"])
    count = serializers.IntegerField(source="times")
    firstAt = Moment(source="first")
    lastAt = Moment(source="last")
    samples = SampleDocument(many=True, read_only=True)


ViolationsList = list_of(ViolationsDocument, "PayloadViolationsList")


class Violations(Resource):
    """The violations of an API."""

    @extend_schema(
        operation_id="listPayloadViolations",
        summary="List the messages that fitted no payload schema, by application",
        tags=["APIs"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: ViolationsList}, 400, 403, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """The latest first. Payloads are shown to creators and publishers."""
        api = queries.get_api_for(self.user, api_id)
        may_see = permissions.can_see_payloads(self.user, api)
        page = one_page(request, violations.counted(api), lambda row: row)
        kept = violations.samples(api, page["list"])
        page["list"] = [
            {
                **ViolationsDocument(counted).data,
                "samples": [
                    {key: value for key, value in SampleDocument(one).data.items() if may_see or key != "payload"}
                    for one in kept
                    if (one.application_id, one.topic, one.sender) == counted.kind
                ],
            }
            for counted in page["list"]
        ]
        return Response(page)

    @extend_schema(
        operation_id="deletePayloadViolations",
        summary="Count the violations anew",
        tags=["APIs"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, api_id: UUID) -> Response:
        """For creators and publishers."""
        api = queries.get_api_for(self.user, api_id)
        permissions.require_see_payloads(self.user, api)
        violations.forget(api)
        return Response()
