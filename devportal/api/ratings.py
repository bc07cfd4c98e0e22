"""Stars for an API: everybody reads their average, people who are signed in give theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page
from devportal import operations, queries
from devportal.models import MOST_STARS, Rating


class GivenRating(Strict):
    """The stars that somebody gives."""

    rating = serializers.IntegerField(min_value=1, max_value=MOST_STARS)


class RatingDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What one person thinks of an API; 0 stars where they have not said."""

    ratingId = serializers.CharField(source="pk", allow_null=True)
    apiId = serializers.CharField(source="api_id")
    ratedBy = serializers.CharField(source="by.username")
    rating = serializers.IntegerField(source="stars")


class RatingList(list_of(RatingDocument, "RatingsPage")):  # type: ignore[misc]
    """The ratings of an API, with their average and what whoever asks has given (0: nothing yet)."""

    avgRating = serializers.CharField()
    userRating = serializers.IntegerField()


class Ratings(Resource):
    """What people think of an API."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="listRatings",
        summary="List the ratings of an API",
        tags=["Ratings"],
        parameters=PAGE_PARAMETERS,
        responses=answers({200: RatingList}, 400, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """The newest first."""
        api = queries.api_for(request.user, api_id)
        rows = api.ratings.select_related("by").order_by("-updated_at", "pk")
        own = queries.own_rating(request.user, api)
        average, _ = queries.stars_of(api)
        page = one_page(request, rows, lambda row: RatingDocument(row).data)
        return Response({"avgRating": f"{average:.1f}", "userRating": own.stars if own else 0, **page})


class UserRating(Resource):
    """What whoever asks thinks of an API."""

    field_names: ClassVar[Mapping[str, str]] = {"rating": "rating"}

    @extend_schema(
        operation_id="getUserRating",
        summary="Read one's own rating",
        tags=["Ratings"],
        responses=answers({200: RatingDocument}, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """0 stars where none were given."""
        api = queries.api_for(self.user, api_id)
        own = queries.own_rating(self.user, api) or Rating(api=api, by=self.user, stars=0)
        return Response(RatingDocument(own).data)

    @extend_schema(
        operation_id="putUserRating",
        summary="Give an API stars",
        tags=["Ratings"],
        request=GivenRating,
        responses=answers({200: RatingDocument}, 400, 404),
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        """One to five, in place of those given before."""
        api = queries.api_for(self.user, api_id)
        body = GivenRating(data=request.data)
        body.is_valid(raise_exception=True)
        given: dict[str, Any] = body.validated_data
        return Response(RatingDocument(operations.rate_api(api=api, stars=given["rating"], **self.by)).data)

    @extend_schema(
        operation_id="deleteUserRating",
        summary="Take one's stars back",
        tags=["Ratings"],
        responses=answers({200: None}, 404),
    )
    def delete(self, request: Request, api_id: UUID) -> Response:
        """Also where none were given."""
        operations.unrate_api(api=queries.api_for(self.user, api_id), **self.by)
        return Response(status=200)
