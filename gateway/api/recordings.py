"""The flight recorder over HTTP, below `/api/am/gateway/v1/`: recording, reading and forbidding it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Viewer
from accounts.rest import Resource
from core.rest.documents import Moment, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, choose, one_page
from devportal.queries import any_application, application_for, applications_of
from devportal.sharing import Right
from gateway.api.narrowing import BY_API_AND_APPLICATION, narrowed
from gateway.connections.queries import get_connection_for
from gateway.models import Recording
from gateway.recording import export, operations, queries
from gateway.recording.files import file_of
from publisher import permissions as publishing
from publisher.queries import get_api_for


class RecordingDocument(serializers.Serializer):  # type: ignore[type-arg]
    """One recording. It is on until `until` or `endedAt`, whichever comes first."""

    recordingId = serializers.UUIDField(source="pk")
    apiId = serializers.CharField(source="api_id")
    apiName = serializers.CharField(source="api_name")
    applicationId = serializers.CharField(source="application_id")
    applicationName = serializers.CharField(source="application_name")
    connectionId = serializers.CharField(source="connection_id", help_text="Empty: all of the application's.")
    startedBy = serializers.CharField(source="started_by")
    startedAt = Moment(source="started_at")
    until = Moment()
    endedAt = Moment(source="ended_at", allow_null=True)
    endedBy = serializers.CharField(source="ended_by", help_text="A person; full; or nothing where its time ran out.")
    messages = serializers.IntegerField()
    bytes = serializers.IntegerField(source="octets")
    mostBytes = serializers.IntegerField(source="most_octets")
    missed = serializers.IntegerField(help_text="Messages that there was no time or room for.")


class AskedRecording(serializers.Serializer):  # type: ignore[type-arg]
    """What to record, and within which bounds."""

    apiId = serializers.UUIDField()
    applicationId = serializers.UUIDField(required=False, help_text="Or a connection.")
    connectionId = serializers.CharField(required=False, max_length=32, help_text="Only this one, which is open.")
    seconds = serializers.IntegerField(default=300, min_value=1, max_value=operations.LONGEST_SECONDS)
    megabytes = serializers.IntegerField(default=5, min_value=1, max_value=operations.MOST_MEGABYTES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Whose traffic it is, is always said."""
        if not {"applicationId", "connectionId"} & attrs.keys():
            raise serializers.ValidationError("Name an application or a connection.")
        return attrs


RecordingList = list_of(RecordingDocument, "RecordingList")


class Recordings(Resource):
    """Recordings, the newest first."""

    @extend_schema(
        operation_id="listRecordings",
        summary="List recordings",
        tags=["Recordings"],
        parameters=[*PAGE_PARAMETERS, *BY_API_AND_APPLICATION],
        responses=answers({200: RecordingList}, 400),
    )
    def get(self, request: Request) -> Response:
        """Everybody's for the Publisher's people, for others those of their own applications."""
        rows = queries.recordings(**narrowed(request, self.user))
        return Response(one_page(request, rows, lambda row: RecordingDocument(row).data))

    @extend_schema(
        operation_id="startRecording",
        summary="Record what passes",
        tags=["Recordings"],
        request=AskedRecording,
        responses=answers({201: RecordingDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request) -> Response:
        """The owner of the application is told, and may forbid it."""
        body = AskedRecording(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        api = get_api_for(self.user, asked["apiId"])
        operations.require_record(self.user)
        connection_id = asked.get("connectionId", "")
        connection = get_connection_for(self.user, connection_id) if connection_id else None
        application = any_application(connection.application_id if connection else asked["applicationId"])
        row = operations.start_recording(
            api=api,
            application=application,
            connection_id=connection_id,
            seconds=asked["seconds"],
            megabytes=asked["megabytes"],
            **self.by,
        )
        return Response(RecordingDocument(row).data, status=201)


class OneRecording(Resource):
    """One recording."""

    @extend_schema(
        operation_id="getRecording",
        summary="Read a recording",
        tags=["Recordings"],
        responses=answers({200: RecordingDocument}, 403, 404),
    )
    def get(self, request: Request, recording_id: UUID) -> Response:
        """Without its messages, which `messages` has."""
        return Response(RecordingDocument(_recording_for(self.user, recording_id)).data)

    @extend_schema(
        operation_id="deleteRecording",
        summary="Delete a recording",
        tags=["Recordings"],
        responses=answers({204: None}, 403, 404),
    )
    def delete(self, request: Request, recording_id: UUID) -> Response:
        """With all that it holds; one that is on ends."""
        operations.delete_recording(recording=_recording_for(self.user, recording_id), **self.by)
        return Response(status=204)


class RecordingEndings(Resource):
    """Ending a recording before its time."""

    @extend_schema(
        operation_id="endRecording",
        summary="End a recording",
        tags=["Recordings"],
        request=None,
        responses=answers({200: RecordingDocument}, 403, 404, 409),
    )
    def post(self, request: Request, recording_id: UUID) -> Response:
        """Whoever may record may end it, and so may the owner of the application."""
        mine = applications_of(self.user, least=Right.MANAGE).values_list("pk", flat=True)
        of_mine = queries.recordings(application_id__in=[str(pk) for pk in mine])
        row = of_mine.filter(pk=recording_id).first() or _recording_for(self.user, recording_id)
        operations.end_recording(recording=row, **self.by)
        row.refresh_from_db()
        return Response(RecordingDocument(row).data)


class RecordedMessageDocument(serializers.Serializer):  # type: ignore[type-arg]
    """One message, without what its API forbids to keep."""

    time = Moment(source="at")
    connectionId = serializers.CharField(source="connection_id")
    direction = serializers.SerializerMethodField(help_text="sent or received, as the client sees it.")
    bytes = serializers.IntegerField(source="octets")
    text = serializers.SerializerMethodField(help_text="Null where it is binary, or not kept.")
    base64 = serializers.SerializerMethodField(help_text="Of what is no text.")
    redactedFields = serializers.IntegerField(source="fields")
    notKept = serializers.CharField(source="problem", help_text="Why nothing of it was kept.")

    def get_direction(self, row: Any) -> str:
        """Who sent it."""
        return "sent" if row.sender == "client" else "received"

    def get_text(self, row: Any) -> str | None:
        """As text."""
        return export.text_of(row)

    def get_base64(self, row: Any) -> str | None:
        """As Base64."""
        return export.base64_of(row)


MessageList = list_of(RecordedMessageDocument, "RecordedMessageList")
FORMS = {"json": "", "jsonl": "jsonl", "har": "har"}


class RecordedMessages(Resource):
    """What a recording holds, the oldest first."""

    @extend_schema(
        operation_id="listRecordedMessages",
        summary="Read what was recorded",
        tags=["Recordings"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("connectionId", str, description="Only of this connection."),
            OpenApiParameter(
                "form", str, enum=list(FORMS), description="json is a page of them; the others are files."
            ),
        ],
        responses=answers({200: MessageList, (200, "application/jsonl"): OpenApiTypes.STR}, 400, 403, 404),
    )
    def get(self, request: Request, recording_id: UUID) -> Response | HttpResponse:
        """As a page, or whole: JSON Lines, or HAR with Chrome's `_webSocketMessages`."""
        row, connection_id = _recording_for(self.user, recording_id), request.query_params.get("connectionId", "")
        if form := choose(request, "form", FORMS, "json"):
            return file_of(row, form, connection_id)
        rows = queries.messages_of(row, connection_id=connection_id)
        return Response(one_page(request, rows, lambda each: RecordedMessageDocument(each).data))


class ConsentDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Whether publishers may record the connections of an application."""

    allowed = serializers.BooleanField()


class RecordingConsent(Resource):
    """Whether one's own application may be recorded."""

    @extend_schema(
        operation_id="getRecordingConsent",
        summary="Read whether an application may be recorded",
        tags=["Recordings"],
        responses=answers({200: ConsentDocument}, 404),
    )
    def get(self, request: Request, application_id: UUID) -> Response:
        """Allowed until its owner forbids it."""
        application = application_for(self.user, application_id)
        return Response({"allowed": not operations.is_forbidden(str(application.pk))})

    @extend_schema(
        operation_id="setRecordingConsent",
        summary="Allow or forbid that an application is recorded",
        tags=["Recordings"],
        request=ConsentDocument,
        responses=answers({200: ConsentDocument}, 400, 404),
    )
    def put(self, request: Request, application_id: UUID) -> Response:
        """Forbidding ends what is on, and deletes what was recorded."""
        application = application_for(self.user, application_id)
        body = ConsentDocument(data=request.data)
        body.is_valid(raise_exception=True)
        if body.validated_data["allowed"]:
            operations.allow_recordings(application=application, **self.by)
        else:
            operations.forbid_recordings(application=application, **self.by)
        return Response(body.data)


def _recording_for(user: Viewer, recording_id: UUID) -> Recording:
    """For who may read it. Raises RecordingNotFound, RoleRequired."""
    if not publishing.can_enter(user):
        raise queries.RecordingNotFound
    operations.require_record(user)
    return queries.one_of(Recording.objects.all(), recording_id)
