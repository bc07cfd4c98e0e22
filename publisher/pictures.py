"""The picture of an API as an answer, for pages and REST alike."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from rest_framework.request import Request

from core.errors import NotFound
from publisher.models import Api, Thumbnail
from publisher.thumbnails import MEDIA_TYPE


class NoThumbnail(NotFound):
    """The API has no picture of its own."""


def picture_of(api: Api, request: HttpRequest | Request) -> HttpResponse:
    """The picture with its ETag, for the browser of whoever may see the API alone. Raises NoThumbnail."""
    row = Thumbnail.objects.filter(api=api).first()
    if row is None:
        raise NoThumbnail(f"{api} has no picture.")
    etag = f'"{api.thumbnail}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(bytes(row.image), content_type=MEDIA_TYPE, headers=headers)
