"""Revisions: record the design, deploy one, take it off the gateway, go back to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Constant, Moment, Neutral, Strict, answers
from core.rest.requests import choose, query_flag, query_value, required_query
from publisher import operations, queries
from publisher.api.apis import shown
from publisher.api.documents import ApiDocument
from publisher.models import Api, Revision

ENVIRONMENT = "Default"


class RevisionDeployment(Strict):
    """A revision on the one gateway there is, called Default."""

    revisionUuid = serializers.UUIDField(read_only=True)
    name = serializers.CharField(default=ENVIRONMENT)
    vhost = serializers.CharField(read_only=True)
    status = Constant("APPROVED")
    displayOnDevportal = Constant(True)
    deployedTime = serializers.DateTimeField(read_only=True)
    successDeployedTime = serializers.DateTimeField(read_only=True)

    ignored: ClassVar[frozenset[str]] = frozenset(
        {"deployedTime", "successDeployedTime", "liveGatewayCount", "deployedGatewayCount", "failedGatewayCount"}
    )
    neutral: ClassVar[Mapping[str, Neutral]] = {
        "status": Neutral.one_of("CREATED", "APPROVED", why="A deployment is approved at once: send APPROVED."),
        "displayOnDevportal": Neutral.one_of(
            True, why="What is published is shown in the Developer Portal: send true, or take the API back to Created."
        ),
        "vhost": Neutral(lambda value: str(value).lower() == _host(), "The gateway has one host: leave vhost out."),
    }

    def validate_name(self, name: str) -> str:
        """The one environment, in any case of letters."""
        if name.lower() != ENVIRONMENT.lower():
            raise serializers.ValidationError(f"There is one environment, called {ENVIRONMENT}.")
        return ENVIRONMENT


class ApiReference(serializers.Serializer):  # type: ignore[type-arg]
    """Which API."""

    id = serializers.UUIDField()


class RevisionDocument(Strict):
    """What an API was at one moment."""

    id = serializers.UUIDField(read_only=True)
    displayName = serializers.CharField(read_only=True)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    createdTime = Moment()
    apiInfo = ApiReference(read_only=True)
    deploymentInfo = RevisionDeployment(many=True, read_only=True)


class RevisionList(serializers.Serializer):  # type: ignore[type-arg]
    """All revisions, newest first."""

    count = serializers.IntegerField()
    list = RevisionDocument(many=True)


class Revisions(Resource):
    """The revisions of an API."""

    @extend_schema(
        operation_id="listRevisions",
        summary="List the revisions of an API",
        tags=["Revisions"],
        parameters=[OpenApiParameter("query", str, enum=["deployed:true", "deployed:false"])],
        responses=answers({200: RevisionList}, 400, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """Newest first; `query` leaves only those that are deployed, or only those that are not."""
        api = queries.get_api_for(self.user, api_id)
        wanted = choose(request, "query", {"": None, "deployed:true": True, "deployed:false": False}, "")
        rows = [
            row for row in queries.revisions_of(api) if wanted is None or wanted == (row.pk == api.deployed_revision_id)
        ]
        return Response({"count": len(rows), "list": [_document(row, api) for row in rows]})

    @extend_schema(
        operation_id="createRevision",
        summary="Record the design as a revision",
        tags=["Revisions"],
        request=RevisionDocument,
        responses=answers({201: RevisionDocument}, 400, 403, 404),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """The gateway serves what it did. Where there is no room, the oldest that is not deployed goes."""
        api = queries.get_api_for(self.user, api_id)
        body = RevisionDocument(data=request.data)
        body.is_valid(raise_exception=True)
        description = body.validated_data.get("description") or ""
        revision = operations.create_revision(api=api, description=description, **self.by)
        return Response(_document(revision, api), status=201)


class OneRevision(Resource):
    """One revision."""

    @extend_schema(
        operation_id="getRevision",
        summary="Read a revision",
        tags=["Revisions"],
        responses=answers({200: RevisionDocument}, 404),
    )
    def get(self, request: Request, api_id: UUID, revision_id: UUID) -> Response:
        """With where it is deployed."""
        api = queries.get_api_for(self.user, api_id)
        return Response(_document(queries.get_revision_of(api, revision_id), api))

    @extend_schema(
        operation_id="deleteRevision",
        summary="Delete a revision",
        tags=["Revisions"],
        responses=answers({200: RevisionList}, 400, 403, 404),
    )
    def delete(self, request: Request, api_id: UUID, revision_id: UUID) -> Response:
        """The one that is deployed cannot be deleted. The answer lists those that are left."""
        api = queries.get_api_for(self.user, api_id)
        operations.delete_revision(api=api, revision=queries.get_revision_of(api, revision_id), **self.by)
        rows = list(queries.revisions_of(api))
        return Response({"count": len(rows), "list": [_document(row, api) for row in rows]})


class Deployments(Resource):
    """Where an API is deployed."""

    @extend_schema(
        operation_id="listDeployments",
        summary="Read where an API is deployed",
        tags=["Revisions"],
        responses=answers({200: RevisionDeployment(many=True)}, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        """The one deployed revision, or nothing."""
        api = queries.get_api_for(self.user, api_id)
        return Response(_deployments(api.deployed_revision, api) if api.deployed_revision else [])


class Deploy(Resource):
    """Put a revision on the gateway."""

    @extend_schema(
        operation_id="deployRevision",
        summary="Deploy a revision",
        tags=["Revisions"],
        parameters=[required_query("revisionId", "The revision to deploy.")],
        request=RevisionDeployment(many=True),
        responses=answers({200: RevisionDeployment(many=True)}, 400, 403, 404, 409),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """It takes the place of the one that is deployed; open connections stay."""
        api = queries.get_api_for(self.user, api_id)
        revision = queries.get_revision_of(api, query_value(request, "revisionId"))
        _check_environments(request, revision)
        api = operations.deploy_revision(api=api, revision=revision, **self.by)
        return Response(_deployments(revision, api))


class Undeploy(Resource):
    """Take a revision off the gateway."""

    @extend_schema(
        operation_id="undeployRevision",
        summary="Take an API off the gateway",
        tags=["Revisions"],
        parameters=[
            OpenApiParameter("revisionId", str, description="Must be the one that is deployed, if given."),
            OpenApiParameter("revisionNumber", str, description="The same by its number."),
            OpenApiParameter("allEnvironments", bool, description="There is one, so it makes no difference."),
        ],
        request=RevisionDeployment(many=True),
        responses=answers({200: RevisionDeployment(many=True)}, 400, 403, 404, 409),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """Open connections are closed."""
        api = queries.get_api_for(self.user, api_id)
        query_flag(request, "allEnvironments")
        named, number = request.query_params.get("revisionId"), request.query_params.get("revisionNumber")
        if named and named != str(api.deployed_revision_id):
            queries.get_revision_of(api, named)
            raise exceptions.ValidationError({"revisionId": "This revision is not deployed."})
        if number and api.deployed_revision and number != str(api.deployed_revision.number):
            sentence = f"Revision {api.deployed_revision.number} is deployed."
            raise exceptions.ValidationError({"revisionNumber": sentence})
        _check_environments(request, api.deployed_revision)
        operations.undeploy(api=api, **self.by)
        return Response([])


class Restore(Resource):
    """Go back to a revision."""

    @extend_schema(
        operation_id="restoreRevision",
        summary="Make a revision the design again",
        tags=["Revisions"],
        parameters=[required_query("revisionId", "The revision to go back to.")],
        request=None,
        responses=answers({201: ApiDocument}, 400, 403, 404, 409),
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        """The gateway goes on serving what is deployed."""
        api = queries.get_api_for(self.user, api_id)
        revision = queries.get_revision_of(api, query_value(request, "revisionId"))
        return shown(operations.restore_revision(api=api, revision=revision, **self.by), 201)


def _check_environments(request: Request, revision: Revision | None) -> None:
    """The body of a deployment says nothing that does not hold, and nothing twice."""
    holds = {"revisionUuid": str(revision.pk)} if revision else {}
    body = RevisionDeployment(data=request.data or [], many=True, context={"holds": holds})
    body.is_valid(raise_exception=True)
    if len(body.validated_data) > 1:
        raise exceptions.ValidationError({"name": f"There is one environment, called {ENVIRONMENT}: name it once."})


def _host() -> str:
    return urlsplit(settings.GATEWAY_WSS_URL).hostname or ""


def _document(revision: Revision, api: Api) -> dict[str, Any]:
    return {
        "id": str(revision.pk),
        "displayName": f"Revision {revision.number}",
        "description": revision.description,
        "createdTime": revision.created_at,
        "apiInfo": {"id": str(api.pk)},
        "deploymentInfo": _deployments(revision, api),
    }


def _deployments(revision: Revision, api: Api) -> list[dict[str, Any]]:
    if api.deployed_revision_id != revision.pk:
        return []
    where = {"name": ENVIRONMENT, "vhost": _host()}
    when = {"deployedTime": api.deployed_at, "successDeployedTime": api.deployed_at}
    return [{"revisionUuid": str(revision.pk), **where, **when, "status": "APPROVED", "displayOnDevportal": True}]
