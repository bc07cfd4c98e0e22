"""Giving an application to somebody else, at `/api/am/admin/v4/applications/{id}/change-owner`: WSO2's path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import require_manage_users
from accounts.rest import Resource, who_may
from core.rest.documents import answers
from devportal import operations, queries


class ChangeOwner(Resource):
    """The owner of an application."""

    permission_classes = who_may(require_manage_users)
    field_names: ClassVar[Mapping[str, str]] = {"to": "owner"}

    @extend_schema(
        operation_id="changeApplicationOwner",
        summary="Give an application to somebody else",
        tags=["Applications"],
        parameters=[OpenApiParameter("owner", str, required=True, description="The user name of the new owner.")],
        request=None,
        responses=answers({200: None}, 400, 403, 404, 409),
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        """Its tokens and secrets end."""
        application, to = queries.any_application(application_id), request.query_params.get("owner", "")
        operations.transfer_application(application=application, to=to, **self.by)
        return Response(status=200)
