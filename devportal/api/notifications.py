"""What somebody was told, and of what they want to be told; WSO2 has nothing of the kind."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import operations, queries
from accounts.notification_kinds import TERMS, NotificationKind
from accounts.rest import Resource
from core.rest.documents import Moment, Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page, query_flag


class NotificationDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Something that whoever asks was told; `readTime` is null while it is unread."""

    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=list(NotificationKind))
    sentence = serializers.CharField()
    link = serializers.CharField(help_text="The path of the page it is about.")
    createdTime = Moment(source="created_at")
    readTime = Moment(source="read_at", allow_null=True)


class NotificationList(list_of(NotificationDocument, "NotificationsPage")):  # type: ignore[misc]
    """What somebody was told, and how much of it is unread (100: so many or more)."""

    unread = serializers.IntegerField()


class Marked(serializers.Serializer):  # type: ignore[type-arg]
    """How many were unread."""

    marked = serializers.IntegerField()


class GivenChoice(Strict):
    """How somebody wants to be told of one kind."""

    kind = serializers.ChoiceField(choices=list(NotificationKind))
    inPortal = serializers.BooleanField()
    byEmail = serializers.BooleanField()


class GivenChoices(Strict):
    """Kinds that are left out stay as they are chosen."""

    choices = serializers.ListField(child=GivenChoice(), allow_empty=False, max_length=len(NotificationKind))


class ChoiceDocument(serializers.Serializer):  # type: ignore[type-arg]
    """One kind, in words, and how whoever asks is told of it."""

    kind = serializers.ChoiceField(choices=list(NotificationKind))
    label = serializers.CharField()  # type: ignore[assignment]
    about = serializers.CharField()
    inPortal = serializers.BooleanField()
    byEmail = serializers.BooleanField()


class ChoiceList(serializers.Serializer):  # type: ignore[type-arg]
    """Every kind."""

    choices = ChoiceDocument(many=True)


class Notifications(Resource):
    """What whoever asks was told."""

    @extend_schema(
        operation_id="listNotifications",
        summary="List what you were told",
        tags=["Notifications"],
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("unread", bool, description="Only what is not read yet.")],
        responses=answers({200: NotificationList}, 400),
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        rows = queries.notifications_of(self.user)
        if query_flag(request, "unread"):
            rows = rows.filter(read_at=None)
        page = one_page(request, rows, lambda row: NotificationDocument(row).data)
        return Response({"unread": queries.unread_of(self.user), **page})


class Readings(Resource):
    """All of them as read."""

    @extend_schema(
        operation_id="readNotifications",
        summary="Mark all as read",
        tags=["Notifications"],
        request=None,
        responses=answers({200: Marked}),
    )
    def post(self, request: Request) -> Response:
        """Also where none is unread."""
        return Response({"marked": operations.mark_read(user=self.user, now=timezone.now())})


class ReadingsOfOne(Resource):
    """One of them as read."""

    @extend_schema(
        operation_id="readNotification",
        summary="Mark one as read",
        tags=["Notifications"],
        request=None,
        responses=answers({200: NotificationDocument}, 404),
    )
    def post(self, request: Request, notification_id: int) -> Response:
        """Also one that is read."""
        operations.mark_read(user=self.user, now=timezone.now(), pk=notification_id)
        row = queries.notifications_of(self.user).filter(pk=notification_id).first()
        if row is None:
            raise Http404
        return Response(NotificationDocument(row).data)


class Choices(Resource):
    """How whoever asks is told."""

    @extend_schema(
        operation_id="getNotificationChoices",
        summary="Read of what you are told, and how",
        tags=["Notifications"],
        responses=answers({200: ChoiceList}),
    )
    def get(self, request: Request) -> Response:
        """Every kind; e-mails need a confirmed address and a mail server."""
        return Response(self.chosen())

    @extend_schema(
        operation_id="putNotificationChoices",
        summary="Choose of what you are told, and how",
        tags=["Notifications"],
        request=GivenChoices,
        responses=answers({200: ChoiceList}, 400),
    )
    def put(self, request: Request) -> Response:
        """Kinds that are left out stay as they are."""
        body = GivenChoices(data=request.data)
        body.is_valid(raise_exception=True)
        given: list[dict[str, Any]] = body.validated_data["choices"]
        said = {NotificationKind(each["kind"]): (each["inPortal"], each["byEmail"]) for each in given}
        operations.choose_notifications(user=self.user, choices=queries.notification_choices_of(self.user) | said)
        return Response(self.chosen())

    def chosen(self) -> dict[str, Any]:
        """Every kind with its words."""
        known = queries.notification_choices_of(self.user)
        rows = [
            {"kind": kind, "label": terms.label, "about": terms.about, "inPortal": portal, "byEmail": mail}
            for kind, terms in TERMS.items()
            for portal, mail in [known[kind]]
        ]
        return dict(ChoiceList({"choices": rows}).data)
