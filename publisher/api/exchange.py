"""Export and import over HTTP, at WSO2's addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, parsers, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import answers
from core.rest.requests import query_flag
from publisher import archives, operations, permissions, queries
from publisher.api.access import IN_THE_PUBLISHER
from publisher.api.apis import FIELD_NAMES, shown
from publisher.api.documents import ApiDocument


class UploadedArchive(serializers.Serializer):  # type: ignore[type-arg]
    """The file of an export."""

    file = serializers.FileField(help_text="The zip or the YAML.")


class Export(Resource):
    """An API as a file."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="exportApi",
        summary="Export an API",
        tags=["Import Export"],
        parameters=[
            OpenApiParameter("apiId", str, description="Which API."),
            OpenApiParameter("name", str, description="Or its name …"),
            OpenApiParameter("version", str, description="… and version."),
            OpenApiParameter("singleFile", bool, description="One YAML in place of a zip."),
        ],
        responses={**answers({}, 400, 403, 404), (200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> HttpResponse:
        """Everything but secrets, which `missing` names. The same API gives the same bytes."""
        given = request.query_params
        if given.get("apiId"):
            api = queries.get_api_for(self.user, given["apiId"])
        elif given.get("name") and given.get("version"):
            named = {"name_key": given["name"], "version__iexact": given["version"]}
            if (found := queries.apis_for(self.user).filter(**named).first()) is None:
                raise queries.ApiNotFound(f"There is no {given['name']} {given['version']}.")
            api = found
        else:
            raise exceptions.ValidationError({"apiId": "Name the API by apiId, or by name and version."})
        document, name = operations.document_of(api), f"{api.name}-{api.version}"
        is_single = query_flag(request, "singleFile")
        content = archives.to_yaml(document) if is_single else archives.to_zip(document, name)
        answer = HttpResponse(content, content_type="application/yaml" if is_single else "application/zip")
        name += ".yaml" if is_single else ".zip"
        answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
        return answer


class ImportArchive(Resource):
    """A file as an API."""

    permission_classes = IN_THE_PUBLISHER
    parser_classes = (parsers.MultiPartParser,)
    field_names: ClassVar[Mapping[str, str]] = FIELD_NAMES

    @extend_schema(
        operation_id="importApi",
        summary="Import an API",
        tags=["Import Export"],
        parameters=[
            OpenApiParameter("overwrite", bool, description="Change the API that has this context and version."),
        ],
        request={"multipart/form-data": UploadedArchive},
        responses=answers({200: ApiDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request) -> Response:
        """In state Created, as a new API or as a new version where its context is another version's."""
        permissions.require_create(self.user)  # before anything is read
        body = UploadedArchive(data=request.data)
        body.is_valid(raise_exception=True)
        uploaded = body.validated_data["file"]
        if uploaded.size > archives.MOST_BYTES:
            raise exceptions.ValidationError({"file": "An API to import has at most 10 MiB."})
        imported = operations.read_document(uploaded.read())
        plans = queries.plans_named(imported.plans)
        version = imported.parts["version"]
        over, family = queries.relatives_of(self.user, imported.parts["context"], version)
        if over and query_flag(request, "overwrite"):
            return shown(operations.import_over(imported=imported, plans=plans, api=over, **self.by))
        if family and not over:
            made = operations.import_version(imported=imported, plans=plans, api=family, version=version, **self.by)
            return shown(made)
        return shown(operations.import_new(imported=imported, plans=plans, names={}, **self.by))
