"""The picture of an API over HTTP: WSO2's `/apis/{apiId}/thumbnail`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import exceptions, parsers, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.rest.documents import answers
from core.rest.etags import IF_MATCH, check_unchanged
from publisher import operations, queries
from publisher.api.documentation import Download
from publisher.pictures import picture_of
from publisher.thumbnails import MEDIA_TYPE, MOST_BYTES

PICTURE = OpenApiResponse(OpenApiTypes.BINARY, "The picture, at most 256 × 256 pixels.")
UPLOAD = inline_serializer("ThumbnailUpload", {"file": serializers.FileField()})


class FileInfo(serializers.Serializer):  # type: ignore[type-arg]
    """Where a file is read."""

    relativePath = serializers.CharField()
    mediaType = serializers.CharField()


class ApiThumbnail(Download):
    """The picture of one API."""

    parser_classes = [parsers.MultiPartParser]
    field_names: ClassVar[Mapping[str, str]] = {"thumbnail": "file"}

    @extend_schema(
        operation_id="getApiThumbnail",
        summary="Read the picture of an API",
        tags=["APIs"],
        responses={(200, MEDIA_TYPE): PICTURE, **answers({304: None}, 404)},
    )
    def get(self, request: Request, api_id: UUID) -> HttpResponse:
        """As WebP; 304 where `If-None-Match` names it. 404 where the API has none."""
        return picture_of(queries.get_api_for(self.user, api_id), request)

    @extend_schema(
        operation_id="updateApiThumbnail",
        summary="Give an API a picture",
        tags=["APIs"],
        parameters=[IF_MATCH],
        request={"multipart/form-data": UPLOAD},
        responses=answers({200: FileInfo}, 400, 403, 404, 412),
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        """A PNG, JPEG, WebP or GIF file; it is drawn anew, small, and shown at once."""
        api = queries.get_api_for(self.user, api_id)
        check_unchanged(request, f'"{api.thumbnail}"')
        file: Any = request.FILES.get("file")
        if file is None:
            raise exceptions.ValidationError({"file": "Send the picture as the part `file` of a form."})
        saved = operations.set_thumbnail(api=api, content=file.read(MOST_BYTES + 1), **self.by)
        body = {"relativePath": request.path, "mediaType": MEDIA_TYPE}
        return Response(body, headers={"ETag": f'"{saved.thumbnail}"'})

    @extend_schema(
        operation_id="deleteApiThumbnail",
        summary="Take the picture of an API away",
        tags=["APIs"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, api_id: UUID) -> Response:
        """The glyph made of its name takes its place."""
        operations.remove_thumbnail(api=queries.get_api_for(self.user, api_id), **self.by)
        return Response()
