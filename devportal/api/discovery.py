"""What helps to find APIs beside their list: tags, one search over APIs and documents, and what this portal offers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import MinimumLengthValidator, get_default_password_validators
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import installation
from accounts.rest import Resource
from core.rest.documents import Constant, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import queries
from devportal.grants import GRANT_NAMES
from devportal.rest_scopes import SCOPES
from publisher.models import Api, Document


class TagDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A tag, and how many APIs carry it."""

    value = serializers.CharField()
    count = serializers.IntegerField()


TagList = list_of(TagDocument, "TagList")


class SearchResult(serializers.Serializer):  # type: ignore[type-arg]
    """What holds the words of a search: an API, or a document (`DOC`) of one. Each has the fields of its type."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["API", "DOC"])
    transportType = serializers.CharField(required=False)
    displayName = serializers.CharField(required=False)
    description = serializers.CharField(required=False)
    context = serializers.CharField(required=False)  # type: ignore[assignment]
    version = serializers.CharField(required=False)
    provider = serializers.CharField(required=False)
    status = serializers.CharField(required=False)
    avgRating = serializers.CharField(required=False)
    docType = serializers.CharField(required=False)
    summary = serializers.CharField(required=False)
    sourceType = serializers.CharField(required=False)
    sourceUrl = serializers.CharField(required=False)
    otherTypeName = serializers.CharField(required=False)
    visibility = serializers.CharField(required=False)
    apiId = serializers.UUIDField(required=False)
    apiName = serializers.CharField(required=False)
    apiVersion = serializers.CharField(required=False)
    apiProvider = serializers.CharField(required=False)


SearchResultList = list_of(SearchResult, "SearchResultList")


class Settings(serializers.Serializer):  # type: ignore[type-arg]
    """What this portal offers, by WSO2's names; what is not here is off."""

    grantTypes = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField())
    apiGatewayEndpoint = serializers.CharField(help_text="The gateway's addresses, separated by a comma.")
    IsAnonymousModeEnabled = serializers.BooleanField()
    IsPasswordChangeEnabled = Constant(True)
    applicationSharingEnabled = Constant(True)
    mapExistingAuthApps = Constant(True)
    monetizationEnabled = Constant(False)
    recommendationEnabled = Constant(False)
    IsUnlimitedTierPaid = Constant(False)
    identityProvider = Constant({"external": False})
    passwordPolicyMinLength = serializers.IntegerField()
    passwordPolicyMaxLength = Constant(-1)


class Joined:
    """One list behind the other, read a page at a time."""

    def __init__(self, apis: Any, documents: Any) -> None:
        self.apis, self.documents = apis, documents
        self.number = len(apis)

    def __len__(self) -> int:
        return int(self.number + self.documents.count())

    def __getitem__(self, page: slice) -> list[Api | Document]:
        start, stop = page.start, page.stop
        of_documents = slice(max(0, start - self.number), max(0, stop - self.number))
        return [*self.apis[start:stop], *self.documents[of_documents]]


class Tags(Resource):
    """The tags of the catalogue."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="listTags",
        summary="List the tags",
        tags=["Tags"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: TagList}, 400),
    )
    def get(self, request: Request) -> Response:
        """The most frequent first; only those of APIs that whoever asks finds."""
        rows = queries.tags_for(request.user)
        return Response(one_page(request, rows, lambda row: {"value": row[0], "count": row[1]}))


class Search(Resource):
    """APIs and documents at once."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="searchContent",
        summary="Search APIs and their documents",
        tags=["Unified Search"],
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("query", str, description="Words; a document has to hold all.")],
        responses=answers({200: SearchResultList}, 400),
    )
    def get(self, request: Request) -> Response:
        """The APIs, what fits best first, then the documents that hold every word and that whoever asks may read."""
        text = request.query_params.get("query", "")
        apis = queries.listed_for(request.user, text)
        everything: Any = Joined(apis, queries.documents_for(request.user, text))
        return Response(one_page(request, everything, _found))


class PortalSettings(Resource):
    """What this portal offers."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="getSettings",
        summary="Read what this portal offers",
        tags=["Settings"],
        responses=answers({200: Settings}),
    )
    def get(self, request: Request) -> Response:
        """Visitors see it too."""
        rules = get_default_password_validators()
        lengths = (each.min_length for each in rules if isinstance(each, MinimumLengthValidator))
        offered = {
            "grantTypes": list(GRANT_NAMES),
            "scopes": [name for name, scope in SCOPES.items() if scope.where == "/api/am/devportal/"],
            "apiGatewayEndpoint": f"{settings.GATEWAY_WSS_URL},{settings.GATEWAY_WS_URL}",
            "IsAnonymousModeEnabled": installation.current().anonymous_browsing,
            "passwordPolicyMinLength": next(lengths),
        }
        return Response(Settings(offered).data)


def _found(row: Api | Document) -> dict[str, Any]:
    if isinstance(row, Document):
        return {
            "id": str(row.pk),
            "name": row.name,
            "type": "DOC",
            "docType": row.type,
            "summary": row.summary,
            "sourceType": row.source,
            "sourceUrl": row.url,
            "otherTypeName": row.other_type,
            "visibility": row.visibility,
            "apiId": str(row.api_id),
            "apiName": row.api.name,
            "apiVersion": row.api.version,
            "apiProvider": row.api.provider.username,
        }
    return {
        "id": str(row.pk),
        "name": row.name,
        "type": "API",
        "transportType": "WS",
        "displayName": row.title,
        "description": row.description,
        "context": row.context,
        "version": row.version,
        "provider": row.provider.username,
        "status": row.state,
        "avgRating": f"{getattr(row, 'average', None) or 0:.1f}",
    }
