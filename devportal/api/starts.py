"""Following an API, and Try it: all that is missing to connect, made at once. WSO2 has neither."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import answers
from devportal import operations, queries


class FollowDocument(serializers.Serializer):  # type: ignore[type-arg]
    """Whether whoever asks is told of new versions, deprecation and what breaks clients."""

    following = serializers.BooleanField()


class StartDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What one connects with, and what of it was made just now.

    The keys are null while the application waits for approval. Their secret is not shown: generate a token with them.
    """

    applicationId = serializers.UUIDField(source="subscription.application_id")
    subscriptionId = serializers.UUIDField(source="subscription.pk")
    throttlingPolicy = serializers.CharField(source="subscription.plan.name")
    status = serializers.CharField(source="subscription.state")
    keyMappingId = serializers.CharField(source="client.pk", default=None, allow_null=True)
    keyType = serializers.CharField(source="client.key_type", default=None, allow_null=True)
    consumerKey = serializers.CharField(source="client.client_id", default=None, allow_null=True)
    made = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField(source="__str__")


class StartWish(serializers.Serializer):  # type: ignore[type-arg]
    """What has to be told of the application, where one is made. It may be left out."""

    attributes = serializers.DictField(
        child=serializers.CharField(allow_blank=True),
        required=False,
        help_text="By name what administrators want to know: see `/settings/application-attributes`.",
    )


class Follows(Resource):
    """Whether whoever asks hears of an API."""

    @extend_schema(
        operation_id="getFollow",
        summary="Read whether you follow an API",
        tags=["Follow"],
        responses=answers({200: FollowDocument}, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """Who is subscribed is told without following."""
        return Response({"following": queries.follows(self.user, queries.api_for(self.user, api_id))})

    @extend_schema(
        operation_id="putFollow",
        summary="Follow an API",
        tags=["Follow"],
        request=None,
        responses=answers({200: FollowDocument}, 404),
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        """Also where one does already."""
        operations.follow_api(api=queries.api_for(self.user, api_id), **self.by)
        return Response({"following": True})

    @extend_schema(
        operation_id="deleteFollow",
        summary="Stop following an API",
        tags=["Follow"],
        responses=answers({200: FollowDocument}, 404),
    )
    def delete(self, request: Request, api_id: UUID) -> Response:
        """Also where one does not."""
        operations.unfollow_api(api=queries.api_for(self.user, api_id), **self.by)
        return Response({"following": False})


class Starts(Resource):
    """Try it."""

    @extend_schema(
        operation_id="startApi",
        summary="Make what is missing to connect to an API",
        tags=["Try it"],
        request=StartWish,
        responses=answers({200: StartDocument, 201: StartDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """An application, a subscription under the plan that the publisher marked, keys; 200 where nothing is."""
        wish = StartWish(data=request.data)
        wish.is_valid(raise_exception=True)
        begun = operations.start(api=queries.api_for(self.user, api_id), **wish.validated_data, **self.by)
        return Response(StartDocument(begun).data, status=201 if begun.made else 200)
