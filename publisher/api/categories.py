"""The categories of the catalogue over HTTP: WSO2's paths and names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource, who_may
from core.rest.documents import Strict, answers
from core.rest.etags import IF_MATCH, check_unchanged, etag
from publisher import operations, queries
from publisher.api.access import IN_THE_PUBLISHER
from publisher.models import Category
from publisher.permissions import require_manage_categories


class ApiCategory(Strict):
    """One category."""

    id = serializers.UUIDField(source="pk", read_only=True)
    name = serializers.CharField()
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    numberOfAPIs = serializers.IntegerField(source="api_count", read_only=True)

    ignored: ClassVar[frozenset[str]] = frozenset({"numberOfAPIs"})


class ApiCategoryList(serializers.Serializer):  # type: ignore[type-arg]
    """Every category there is."""

    count = serializers.IntegerField()
    list = ApiCategory(many=True)


def listed(rows: QuerySet[Category]) -> Response:
    """The categories as WSO2 lists them: all at once."""
    found = ApiCategory(rows, many=True).data
    return Response({"count": len(found), "list": found})


class ReadCategories(Resource):
    """The categories that an API may be put into."""

    permission_classes = IN_THE_PUBLISHER

    @extend_schema(
        operation_id="listCategories",
        summary="List the categories",
        tags=["Categories"],
        responses=answers({200: ApiCategoryList}, 403),
    )
    def get(self, request: Request) -> Response:
        """By name."""
        return listed(queries.all_categories())


class Categories(Resource):
    """All categories, for administrators."""

    permission_classes = who_may(require_manage_categories)

    @extend_schema(
        operation_id="listApiCategories",
        summary="List the categories",
        tags=["Categories"],
        responses=answers({200: ApiCategoryList}, 403),
    )
    def get(self, request: Request) -> Response:
        """By name, with the number of APIs in each."""
        return listed(queries.all_categories())

    @extend_schema(
        operation_id="addApiCategory",
        summary="Make a category",
        tags=["Categories"],
        request=ApiCategory,
        responses=answers({201: ApiCategory}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """Creators may put their APIs into it at once."""
        body = ApiCategory(data=request.data)
        body.is_valid(raise_exception=True)
        made = operations.create_category(**_given(body), **self.by)
        address = reverse("api:categories-api:category", args=[made.pk])
        return _shown(made, 201, {"Location": address})


class OneCategory(Resource):
    """One category."""

    permission_classes = who_may(require_manage_categories)

    @extend_schema(
        operation_id="getApiCategory",
        summary="Read a category",
        tags=["Categories"],
        responses=answers({200: ApiCategory}, 403, 404),
    )
    def get(self, request: Request, category_id: UUID) -> Response:
        """By its id."""
        return _shown(queries.get_category(category_id))

    @extend_schema(
        operation_id="updateApiCategory",
        summary="Change a category",
        tags=["Categories"],
        parameters=[IF_MATCH],
        request=ApiCategory,
        responses=answers({200: ApiCategory}, 400, 403, 404, 409, 412),
    )
    def put(self, request: Request, category_id: UUID) -> Response:
        """Its APIs stay in it."""
        category = queries.get_category(category_id)
        check_unchanged(request, etag(ApiCategory(category).data))
        body = ApiCategory(category, data=request.data)
        body.is_valid(raise_exception=True)
        return _shown(operations.update_category(category=category, changes=_given(body), **self.by))

    @extend_schema(
        operation_id="deleteApiCategory",
        summary="Delete a category",
        tags=["Categories"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, category_id: UUID) -> Response:
        """APIs that are in it go on without it."""
        operations.delete_category(category=queries.get_category(category_id), **self.by)
        return Response()


def _given(body: ApiCategory) -> Mapping[str, str]:
    return {name: value or "" for name, value in body.validated_data.items()}


def _shown(category: Category, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    document = ApiCategory(queries.get_category(category.pk)).data
    return Response(document, status=status, headers={**(headers or {}), "ETag": etag(document)})
