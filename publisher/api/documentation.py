"""The documents of an API: list, read, write, and their content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, parsers, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Moment, Strict, answers, list_of
from core.rest.etags import IF_MATCH, check_unchanged, etag
from core.rest.requests import PAGE_PARAMETERS, one_page, query_value, required_query
from publisher import document_terms, documentation, permissions
from publisher.api.access import OfAnApi
from publisher.document_terms import DocumentType, DocumentVisibility, Source, Upload
from publisher.models import Document
from publisher.operations import documents as operations

FIELD_NAMES = {
    "other_type": "otherTypeName",
    "source": "sourceType",
    "url": "sourceUrl",
    "content": "inlineContent",
    "upload": "file",
}


class DocumentBody(Strict):
    """A document. Its file, if it is one, goes to and comes from `content`."""

    documentId = serializers.UUIDField(source="pk", read_only=True)
    name = serializers.CharField(max_length=document_terms.NAME_LENGTH)
    type = serializers.ChoiceField(list(DocumentType))
    summary = serializers.CharField(required=False, allow_blank=True, max_length=document_terms.SUMMARY_LENGTH)
    sourceType = serializers.ChoiceField(list(Source), source="source")
    sourceUrl = serializers.CharField(source="url", required=False, allow_blank=True)
    fileName = serializers.CharField(source="file.name", read_only=True, default="")
    inlineContent = serializers.CharField(
        source="content",
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=document_terms.TEXT_LENGTH,
        help_text="Markdown.",
    )
    otherTypeName = serializers.CharField(source="other_type", required=False, allow_blank=True)
    visibility = serializers.ChoiceField(list(DocumentVisibility))
    createdTime = Moment(source="created_at")
    createdBy = serializers.CharField(source="created_by.username", read_only=True)
    lastUpdatedTime = Moment(source="updated_at")
    lastUpdatedBy = serializers.CharField(source="updated_by.username", read_only=True)


class ContentBody(serializers.Serializer):  # type: ignore[type-arg]
    """The content of a document: one of the two."""

    file = serializers.FileField(required=False)
    inlineContent = serializers.CharField(required=False)


DocumentList = list_of(DocumentBody, "DocumentList")


class DocumentsResource(OfAnApi):
    """What the documents of an API have in common."""

    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    def document(self, api_id: UUID, document_id: UUID) -> Document:
        """One of its documents. Raises ApiNotFound or DocumentNotFound."""
        return documentation.get_document(documentation.documents_of(self.api(api_id)), document_id)


class Documents(DocumentsResource):
    """The documents of an API."""

    @extend_schema(
        operation_id="getAPIDocuments",
        summary="List the documents of an API",
        tags=["Documents"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: DocumentList}, 400, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """In the order in which developers see them."""
        rows = documentation.documents_of(self.api(api_id))
        return Response(one_page(request, rows, lambda row: DocumentBody(row).data))

    @extend_schema(
        operation_id="addAPIDocument",
        summary="Add a document",
        tags=["Documents"],
        request=DocumentBody,
        responses=answers({201: DocumentBody}, 400, 403, 404, 409),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """Last in the list. The file of one with `sourceType` FILE is sent to `content` afterwards."""
        api, body = self.api(api_id), DocumentBody(data=request.data)
        body.is_valid(raise_exception=True)
        made = operations.create_document(api=api, fields=body.validated_data, **self.by)
        return shown(made, 201, {"Location": f"{request.path}/{made.pk}"})


class OneDocument(DocumentsResource):
    """One document."""

    @extend_schema(
        operation_id="getAPIDocumentByDocumentId",
        summary="Read a document",
        tags=["Documents"],
        responses=answers({200: DocumentBody}, 404),
    )
    def get(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        """With its ETag."""
        return shown(self.document(api_id, document_id))

    @extend_schema(
        operation_id="updateAPIDocument",
        summary="Change a document",
        tags=["Documents"],
        parameters=[IF_MATCH],
        request=DocumentBody,
        responses=answers({200: DocumentBody}, 400, 403, 404, 409, 412),
    )
    def put(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        """What is left out stays."""
        document = self.document(api_id, document_id)
        check_unchanged(request, etag(DocumentBody(document).data))
        body = DocumentBody(document, data=request.data)
        body.is_valid(raise_exception=True)
        return shown(operations.update_document(document=document, changes=body.validated_data, **self.by))

    @extend_schema(
        operation_id="deleteAPIDocument",
        summary="Delete a document",
        tags=["Documents"],
        parameters=[IF_MATCH],
        responses=answers({200: None}, 403, 404, 412),
    )
    def delete(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        """With its file."""
        document = self.document(api_id, document_id)
        check_unchanged(request, etag(DocumentBody(document).data))
        operations.delete_document(document=document, **self.by)
        return Response()


class Download(Resource):
    """What answers with a file."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """A file is of the type it is, whatever is asked for."""
        return super().perform_content_negotiation(request, force=True)


class Content(Download, DocumentsResource):
    """What is in a document."""

    parser_classes = [parsers.MultiPartParser]

    @extend_schema(
        operation_id="getAPIDocumentContentByDocumentId",
        summary="Read the content of a document",
        tags=["Documents"],
        responses=answers({(200, "application/octet-stream"): OpenApiTypes.BINARY, 303: None}, 404),
    )
    def get(self, request: Request, api_id: UUID, document_id: UUID) -> HttpResponseBase:
        """Markdown as text, a file to save, or 303 with the address of a link."""
        return content_of(self.document(api_id, document_id))

    @extend_schema(
        operation_id="addAPIDocumentContent",
        summary="Send the content of a document",
        tags=["Documents"],
        parameters=[IF_MATCH],
        request={"multipart/form-data": ContentBody},
        responses=answers({200: DocumentBody}, 400, 403, 404, 412),
    )
    def post(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        """A `file` for a document that is one, `inlineContent` for a text."""
        document = self.document(api_id, document_id)
        permissions.require_document(self.user, document.api)
        check_unchanged(request, etag(DocumentBody(document).data))
        body = ContentBody(data=request.data)
        body.is_valid(raise_exception=True)
        file, text = (body.validated_data.get(name) for name in ("file", "inlineContent"))
        wanted = "inlineContent" if document.is_text else "file"
        if document.source == Source.URL or (file is None) == (text is None) or (text is None) == document.is_text:
            raise exceptions.ValidationError(
                {wanted: f"A document with sourceType {document.source} takes {wanted} alone; change its type first."}
            )
        if file and file.size > document_terms.FILE_BYTES:
            raise exceptions.ValidationError({"file": f"A file has at most {document_terms.FILE_BYTES} bytes."})
        upload = Upload(file.name, file.read()) if file else None
        changes = {} if text is None else {"content": text}
        return shown(operations.update_document(document=document, changes=changes, upload=upload, **self.by))


class NameCheck(DocumentsResource):
    """Whether a document's name is taken."""

    @extend_schema(
        operation_id="validateDocument",
        summary="Ask whether a document's name is taken",
        tags=["Documents"],
        parameters=[required_query("name", "The name.")],
        request=None,
        responses=answers({200: None}, 400, 404),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """200 if the API has a document of this name already, 404 if it is free."""
        rows = documentation.documents_of(self.api(api_id))
        if not rows.filter(name_key=query_value(request, "name")).exists():
            raise exceptions.NotFound("No document has this name: it is free.")
        return Response()


def content_of(document: Document) -> HttpResponse:
    """The content of a document as an answer: never one that a browser would run."""
    if document.source == Source.URL:
        return HttpResponse(status=303, headers={"Location": document.url})
    if document.source == Source.FILE:
        return documentation.file_of(document)
    return HttpResponse(document.content, content_type="text/plain; charset=utf-8")


def shown(document: Document, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A document as an answer, with its ETag."""
    body = DocumentBody(document).data
    return Response(body, status=status, headers={**(headers or {}), "ETag": etag(body)})
