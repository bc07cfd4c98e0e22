"""The documents of an API, for those who find it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import answers
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import queries
from publisher import documentation
from publisher.api.documentation import DocumentBody, DocumentList, Download, content_of
from publisher.models import Document


class ReadsDocuments(Resource):
    """What a visitor reads."""

    permission_classes = [permissions.AllowAny]

    def rows(self, api_id: UUID) -> QuerySet[Document]:
        """The documents that whoever asks may read. Raises ApiNotFound."""
        viewer = self.request.user
        return documentation.readable_documents_of(queries.api_for(viewer, api_id), viewer)


class DocumentsToRead(ReadsDocuments):
    """The documents of an API."""

    @extend_schema(
        operation_id="listApiDocuments",
        summary="List the documents of an API",
        tags=["Documents"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: DocumentList}, 400, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """In the publisher's order. Visitors see fewer than people who are signed in."""
        return Response(one_page(request, self.rows(api_id), lambda row: DocumentBody(row).data))


class DocumentToRead(ReadsDocuments):
    """One document."""

    @extend_schema(
        operation_id="getApiDocument",
        summary="Read a document",
        tags=["Documents"],
        responses=answers({200: DocumentBody}, 404),
    )
    def get(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        """What it is; a file is at `content`."""
        return Response(DocumentBody(documentation.get_document(self.rows(api_id), document_id)).data)


class DocumentContent(Download, ReadsDocuments):
    """What is in a document."""

    @extend_schema(
        operation_id="getApiDocumentContent",
        summary="Read the content of a document",
        tags=["Documents"],
        responses=answers({(200, "application/octet-stream"): OpenApiTypes.BINARY, 303: None}, 404),
    )
    def get(self, request: Request, api_id: UUID, document_id: UUID) -> HttpResponseBase:
        """Markdown as text, a file to save, or 303 with the address of a link."""
        return content_of(documentation.get_document(self.rows(api_id), document_id))
