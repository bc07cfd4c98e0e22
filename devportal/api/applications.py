"""Applications of the person who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core.rest.documents import Constant, Moment, Neutral, Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, choose, one_page
from core.searching import why_too_much
from devportal import operations, queries
from devportal.models import Application, ApplicationPlan
from devportal.sharing import MOST_PEOPLE, Right, written

GROUPS = (
    "User names of those it is shared with: `dave` may use its keys, `dave:see` see it, `dave:manage` change it too."
)
SORTS = {"name": "name", "throttlingPolicy": "plan__name", "status": "pk", "createdTime": "created_at"}


class Groups(serializers.ListField):
    """With whom an application is shared, as `devportal.sharing` writes it."""

    child = serializers.CharField(max_length=200)

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MOST_PEOPLE, **options)

    def get_attribute(self, instance: Application) -> list[str]:
        """Read from the rows, by name."""
        return groups_of(instance)


class ApplicationInfo(serializers.Serializer):  # type: ignore[type-arg]
    """An application in a list."""

    applicationId = serializers.UUIDField(source="id")
    name = serializers.CharField()
    description = serializers.CharField()
    throttlingPolicy = serializers.CharField(source="plan.name")
    status = serializers.ChoiceField(Application.Approval.choices, source="approval")
    owner = serializers.CharField(source="owner.username")
    groups = serializers.SerializerMethodField()
    subscriptionCount = serializers.SerializerMethodField()
    createdTime = Moment(source="created_at")
    updatedTime = Moment(source="updated_at")

    def get_groups(self, application: Application) -> list[str]:
        """With whom it is shared."""
        return groups_of(application)

    def get_subscriptionCount(self, application: Application) -> int:  # noqa: N802 - the field's name is WSO2's
        """How many APIs it is subscribed to."""
        counted = getattr(application, "subscription_count", None)
        return application.subscriptions.count() if counted is None else counted


class ApplicationDocument(Strict):
    """An application. Without a plan the default one is taken; on PUT what is left out stays."""

    applicationId = serializers.UUIDField(source="id", read_only=True)
    name = serializers.CharField()
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    throttlingPolicy = serializers.CharField(source="plan.name", required=False)
    tokenType = serializers.ChoiceField(Application.TokenType.choices, source="token_type", required=False)
    status = serializers.ChoiceField(Application.Approval.choices, source="approval", read_only=True)
    owner = serializers.CharField(source="owner.username", read_only=True)
    groups = Groups(required=False, help_text=GROUPS)
    attributes = serializers.DictField(
        child=serializers.CharField(max_length=300, allow_blank=True),
        required=False,
        help_text="By name what administrators want to know: see `/settings/application-attributes`.",
    )
    subscriptionCount = serializers.IntegerField(source="subscriptions.count", read_only=True)
    visibility = Constant("PRIVATE")
    createdTime = Moment(source="created_at")
    updatedTime = Moment(source="updated_at")

    ignored: ClassVar[frozenset[str]] = frozenset(
        {"createdTime", "updatedTime", "subscriptionCount", "keys", "subscriptionScopes"}
    )
    neutral: ClassVar[Mapping[str, Neutral]] = {
        "hashEnabled": Neutral.one_of(True, False, why="Secrets are always hashed. Send true, or leave this out."),
        "visibility": Neutral.one_of("PRIVATE", why="An application belongs to one person: send PRIVATE."),
    }


ApplicationList = list_of(ApplicationInfo, "ApplicationList")


class Applications(Resource):
    """The applications of the person who asks."""

    field_names: ClassVar[Mapping[str, str]] = {"token_type": "tokenType", "plan": "throttlingPolicy"}

    @extend_schema(
        operation_id="listApplications",
        summary="List your applications",
        tags=["Applications"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("query", str, description="Words of the name or description."),
            OpenApiParameter("sortBy", str, enum=list(SORTS)),
            OpenApiParameter("sortOrder", str, enum=["asc", "desc"]),
        ],
        responses=answers({200: ApplicationList}, 400),
    )
    def get(self, request: Request) -> Response:
        """By name unless `sortBy` says otherwise."""
        column = choose(request, "sortBy", SORTS, "name")
        sign = choose(request, "sortOrder", {"asc": "", "desc": "-"}, "asc")
        text = request.query_params.get("query", "")
        if why := why_too_much(text):
            raise exceptions.ValidationError({"query": why})
        rows = queries.applications_of(self.user, text=text).prefetch_related("members__person")
        return Response(one_page(request, rows.order_by(f"{sign}{column}"), lambda row: ApplicationInfo(row).data))

    @extend_schema(
        operation_id="createApplication",
        summary="Create an application",
        tags=["Applications"],
        request=ApplicationDocument,
        responses=answers({201: ApplicationDocument}, 400, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """It belongs to whoever creates it."""
        body = ApplicationDocument(data=request.data, context={"holds": {"owner": self.user.username}})
        body.is_valid(raise_exception=True)
        given = body.validated_data
        application = operations.create_application(
            name=given["name"],
            description=given.get("description") or "",
            plan=_plan(given),
            token_type=given.get("token_type", Application.TokenType.JWT),
            groups=given.get("groups", ()),
            attributes=given.get("attributes", {}),
            **self.by,
        )
        return Response(ApplicationDocument(application).data, status=201)


class OneApplication(Resource):
    """One of your applications."""

    field_names: ClassVar[Mapping[str, str]] = Applications.field_names

    @extend_schema(
        operation_id="getApplication",
        summary="Read an application",
        tags=["Applications"],
        responses=answers({200: ApplicationDocument}, 404),
    )
    def get(self, request: Request, application_id: UUID) -> Response:
        """Its keys stand at `/oauth-keys`."""
        return Response(ApplicationDocument(queries.application_for(self.user, application_id)).data)

    @extend_schema(
        operation_id="updateApplication",
        summary="Change an application",
        tags=["Applications"],
        request=ApplicationDocument,
        responses=answers({200: ApplicationDocument}, 400, 403, 404, 409),
    )
    def put(self, request: Request, application_id: UUID) -> Response:
        """Tokens that were issued before keep the type they have."""
        application = queries.application_for(self.user, application_id)
        body = ApplicationDocument(application, data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        description = (given["description"] or "") if "description" in given else application.description
        changed = operations.update_application(
            application=application,
            name=given["name"],
            description=description,
            plan=_plan(given) or application.plan,
            token_type=given.get("token_type", application.token_type),
            groups=given.get("groups"),
            attributes=given.get("attributes"),
            **self.by,
        )
        return Response(ApplicationDocument(changed).data)

    @extend_schema(
        operation_id="deleteApplication",
        summary="Delete an application",
        tags=["Applications"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, application_id: UUID) -> Response:
        """With its subscriptions, keys and tokens; open connections are closed."""
        operations.delete_application(application=queries.application_for(self.user, application_id), **self.by)
        return Response(status=200)


def groups_of(application: Application) -> list[str]:
    """With whom it is shared, by name."""
    return sorted(written(each.person.username, Right(each.right)) for each in application.members.all())


def _plan(given: Mapping[str, Any]) -> ApplicationPlan | None:
    """The plan that was named, if one was. Raises ValidationError for an unknown one."""
    name = given.get("plan", {}).get("name")
    if name is None:
        return None
    plans = {plan.name: plan for plan in queries.application_plans()}
    if name not in plans:
        raise exceptions.ValidationError(
            {"throttlingPolicy": f"There is no such plan. Choose one of {', '.join(plans)}."}
        )
    return plans[name]
