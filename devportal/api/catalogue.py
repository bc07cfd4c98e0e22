"""The APIs that a developer, or a visitor, finds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Viewer
from accounts.rest import Resource
from core.rest.documents import Constant, Moment, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import queries
from devportal.permissions import can_develop
from publisher.api.categories import ApiCategoryList, listed
from publisher.api.documentation import Download
from publisher.api.documents import BusinessInformation, Links, Names, OperationsField, Property
from publisher.api.plans import ThrottlingPolicy, throttling_policy
from publisher.api.thumbnails import PICTURE
from publisher.lifecycle import SUBSCRIBABLE
from publisher.models import Api
from publisher.pictures import picture_of
from publisher.queries import plans_of
from publisher.scoping import uses_of
from publisher.thumbnails import MEDIA_TYPE
from publisher.validation import VERSION_PLACEHOLDER, served_path

SEARCHED = f"Words, or {', '.join(f'{each}:' for each in queries.LOOKUPS)}, or the name of a property and a colon"


class Tier(serializers.Serializer):  # type: ignore[type-arg]
    """A plan that an API is offered under."""

    tierName = serializers.CharField()
    tierPlan = serializers.CharField()


class Urls(serializers.Serializer):  # type: ignore[type-arg]
    """Where the gateway answers."""

    ws = serializers.CharField()
    wss = serializers.CharField()


class EndpointUrls(serializers.Serializer):  # type: ignore[type-arg]
    """Where an API can be called."""

    environmentName = serializers.CharField()
    environmentDisplayName = serializers.CharField()
    environmentType = serializers.CharField()
    URLs = Urls()
    defaultVersionURLs = Urls(required=False, help_text="Of the default version only.")


class ScopeInfo(serializers.Serializer):  # type: ignore[type-arg]
    """A scope that topics of an API ask for, and whose roles get it."""

    key = serializers.CharField(source="name")
    name = serializers.CharField(source="display_name")
    roles = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField()


class CatalogueEntry(serializers.Serializer):  # type: ignore[type-arg]
    """An API in the catalogue."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    displayName = serializers.CharField(source="title")
    description = serializers.CharField()
    context = serializers.CharField()  # type: ignore[assignment]
    version = serializers.CharField()
    type = Constant("WS")
    provider = serializers.CharField(source="provider.username")
    lifeCycleStatus = serializers.CharField(source="state")
    hasThumbnail = serializers.BooleanField(source="thumbnail")
    businessInformation = BusinessInformation()
    throttlingPolicies = serializers.SerializerMethodField()
    isSubscriptionAvailable = serializers.SerializerMethodField()
    createdTime = Moment(source="created_at")

    def get_throttlingPolicies(self, api: Api) -> list[str]:  # noqa: N802 - the field's name is WSO2's
        """The names of its plans."""
        return sorted(plan.name for plan in api.plans.all())

    def get_isSubscriptionAvailable(self, api: Api) -> bool:  # noqa: N802
        """Whether whoever asks could subscribe now."""
        viewer: Viewer = self.root._context["viewer"]
        return api.stage in SUBSCRIBABLE and can_develop(viewer)


class RatedEntry(CatalogueEntry):
    """An API in a list of APIs, with its stars."""

    avgRating = serializers.SerializerMethodField()

    def get_avgRating(self, api: Api) -> str:  # noqa: N802
        """The average of its stars; 0.0 where nobody has given any."""
        average = api.average if hasattr(api, "average") else queries.stars_of(api)[0]
        return f"{average or 0:.1f}"


class CatalogueDocument(RatedEntry):
    """An API with what one needs to call it."""

    isDefaultVersion = serializers.BooleanField(source="is_default_version")
    tags = serializers.ListField(child=serializers.CharField())
    categories = Names()
    links = Links()
    additionalProperties = serializers.SerializerMethodField()
    operations = OperationsField()
    transport = Constant(["ws", "wss"])
    securityScheme = Constant(["oauth2"])
    authorizationHeader = Constant("Authorization")
    scopes = serializers.SerializerMethodField()
    tiers = serializers.SerializerMethodField()
    endpointURLs = serializers.SerializerMethodField()
    lastUpdatedTime = Moment(source="updated_at")

    @extend_schema_field(Property(many=True))
    def get_additionalProperties(self, api: Api) -> list[dict[str, Any]]:  # noqa: N802
        """Those that the Developer Portal shows."""
        return [dict(Property(each).data) for each in api.properties if each["shown"]]

    @extend_schema_field(ScopeInfo(many=True))
    def get_scopes(self, api: Api) -> list[dict[str, Any]]:
        """Those that somebody has described."""
        return [dict(ScopeInfo(use.definition).data) for use in uses_of(api) if use.definition]

    @extend_schema_field(Tier(many=True))
    def get_tiers(self, api: Api) -> list[dict[str, Any]]:
        """Its plans."""
        return [{"tierName": plan.name, "tierPlan": plan.billing} for plan in plans_of(api)]

    @extend_schema_field(EndpointUrls(many=True))
    def get_endpointURLs(self, api: Api) -> list[dict[str, Any]]:  # noqa: N802
        """The addresses on the gateway, while it is deployed."""
        if api.deployed_revision_id is None:
            return []
        paths = {"URLs": served_path(api.context, api.version)}
        if api.is_default_version:
            paths["defaultVersionURLs"] = api.context.replace(f"/{VERSION_PLACEHOLDER}", "")
        ws, wss = settings.GATEWAY_WS_URL, settings.GATEWAY_WSS_URL
        addresses = {name: {"ws": f"{ws}{path}", "wss": f"{wss}{path}"} for name, path in paths.items()}
        environment = {"environmentName": "Default", "environmentDisplayName": "Default", "environmentType": "hybrid"}
        return [{**environment, **addresses}]


CatalogueList = list_of(RatedEntry, "CatalogueList")


class PublishedApis(Resource):
    """What there is."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="listCatalogue",
        summary="List and search the APIs",
        tags=["APIs"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("query", str, description=SEARCHED),
        ],
        responses=answers({200: CatalogueList}, 400),
    )
    def get(self, request: Request) -> Response:
        """By name; where words are looked for, what fits best first. Visitors see it too."""
        text = request.query_params.get("query", "")
        viewed = {"viewer": request.user}
        rows = queries.listed_for(request.user, text)
        return Response(one_page(request, rows, lambda api: RatedEntry(api, context=viewed).data))


class CatalogueApi(Resource):
    """One API."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="getCatalogueApi",
        summary="Read an API",
        tags=["APIs"],
        responses=answers({200: CatalogueDocument}, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """With its addresses on the gateway."""
        api = queries.api_for(request.user, api_id)
        return Response(CatalogueDocument(api, context={"viewer": request.user}).data)


class CatalogueThumbnail(Download):
    """The picture of one API."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="getCatalogueThumbnail",
        summary="Read the picture of an API",
        tags=["APIs"],
        responses={(200, MEDIA_TYPE): PICTURE, **answers({304: None}, 404)},
    )
    def get(self, request: Request, api_id: UUID) -> HttpResponse:
        """As WebP; 404 where the API has none."""
        return picture_of(queries.api_for(request.user, api_id), request)


class CatalogueCategories(Resource):
    """The categories of the catalogue."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="listCatalogueCategories",
        summary="List the categories",
        tags=["APIs"],
        responses=answers({200: ApiCategoryList}),
    )
    def get(self, request: Request) -> Response:
        """By name, with the number of APIs that whoever asks finds in each."""
        return listed(queries.categories_for(request.user))


class ApiPlans(Resource):
    """The plans of one API."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="listApiPolicies",
        summary="List the plans that an API is offered under",
        tags=["APIs"],
        responses=answers({200: ThrottlingPolicy(many=True)}, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """The most generous first."""
        api = queries.api_for(request.user, api_id)
        return Response([throttling_policy(plan) for plan in plans_of(api)])
