"""Invitations over HTTP, below `/api/am/admin/v4/invitations`. WSO2 has nothing of the kind."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import operations, queries
from accounts.api.users import RolesField
from accounts.models import Invitation
from accounts.permissions import require_manage_users
from accounts.rest import Resource, who_may
from core.rest.documents import Moment, Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page


class InvitationDocument(Strict):
    """Somebody who was invited and has not come yet."""

    invitationId = serializers.IntegerField(source="pk", read_only=True)
    email = serializers.EmailField(max_length=254)
    roles = RolesField()
    invitedBy = serializers.CharField(source="invited_by.username", read_only=True, default=None, allow_null=True)
    sentTime = Moment(source="sent_at", read_only=True)
    expiresTime = Moment(source="expires_at", read_only=True, help_text="When its link is over.")


class SentInvitation(InvitationDocument):
    """An invitation whose link was just sent; where no e-mail could be, it is here and shown nowhere else."""

    link = serializers.CharField(
        read_only=True, allow_null=True, help_text="The link to hand over; null where it went out by e-mail."
    )


InvitationList = list_of(InvitationDocument, "InvitationList")


def sent(invitation: Invitation, link: str) -> Response:
    """The answer to who has sent a link."""
    body: dict[str, Any] = {**InvitationDocument(invitation).data, "link": link or None}
    address = reverse("api:users-api:invitation", args=[invitation.pk])
    return Response(body, status=201, headers={"Location": address, "Cache-Control": "no-store"})


class Invitations(Resource):
    """All who were invited and have not come yet."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="listInvitations",
        summary="List who was invited and has not come yet",
        tags=["Users"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: InvitationList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """The latest first."""
        rows = queries.invitations(self.user)
        return Response(one_page(request, rows, lambda row: InvitationDocument(row).data))

    @extend_schema(
        operation_id="createInvitation",
        summary="Invite somebody",
        tags=["Users"],
        request=InvitationDocument,
        responses=answers({201: SentInvitation}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """They get a link for seven days, with which they choose a name and a password, once."""
        body = InvitationDocument(data=request.data)
        body.is_valid(raise_exception=True)
        return sent(*operations.invite(**body.validated_data, **self.by))


class OneInvitation(Resource):
    """One of them."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="getInvitation",
        summary="Read an invitation",
        tags=["Users"],
        responses=answers({200: InvitationDocument}, 403, 404),
    )
    def get(self, request: Request, invitation_id: int) -> Response:
        """By its id."""
        row = queries.invitations(self.user).filter(pk=invitation_id).first()
        if row is None:
            raise operations.InvitationNotFound
        return Response(InvitationDocument(row).data)

    @extend_schema(
        operation_id="withdrawInvitation",
        summary="Withdraw an invitation",
        tags=["Users"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, invitation_id: int) -> Response:
        """Its link is void at once."""
        operations.withdraw_invitation(pk=invitation_id, **self.by)
        return Response(status=200)


class Sendings(Resource):
    """Further links of one invitation."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="sendInvitation",
        summary="Send another link",
        tags=["Users"],
        request=None,
        responses=answers({201: SentInvitation}, 403, 404),
    )
    def post(self, request: Request, invitation_id: int) -> Response:
        """For as long as the first; links that were sent before are void."""
        return sent(*operations.invite_again(pk=invitation_id, **self.by))
