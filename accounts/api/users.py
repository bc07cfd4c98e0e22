"""Users and roles over HTTP, below `/api/am/admin/v4/users`."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import operations, queries
from accounts.permissions import require_manage_users
from accounts.rest import Resource, who_may
from accounts.roles import Role
from core.rest.documents import Strict, answers, list_of
from core.rest.requests import PAGE_PARAMETERS, one_page


class RolesField(serializers.ListField):
    """The names of roles."""

    child = serializers.ChoiceField(list(Role))

    def to_internal_value(self, data: Any) -> list[Role]:
        """The roles themselves."""
        return [Role(name) for name in super().to_internal_value(data)]


class UserAccount(Strict):
    """An account. Service accounts are made with `manage.py serviceaccount`."""

    userId = serializers.IntegerField(source="pk", read_only=True)
    username = serializers.CharField(max_length=150)
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    displayName = serializers.CharField(source="display_name", read_only=True)
    roles = RolesField(source="roles_in_order")
    enabled = serializers.BooleanField(source="is_active", read_only=True)
    serviceAccount = serializers.BooleanField(source="is_service", read_only=True)
    mustChangePassword = serializers.BooleanField(source="must_change_password", read_only=True)
    createdTime = serializers.DateTimeField(source="date_joined", read_only=True)
    lastSignInTime = serializers.DateTimeField(source="last_login", read_only=True)


class NewAccount(UserAccount):
    """An account that was just made, with its one-time password."""

    password = serializers.CharField(read_only=True, help_text="One-time password; it is shown nowhere else.")


class AccountChange(Strict):
    """What may be changed; what is left out stays."""

    roles = RolesField(required=False)
    enabled = serializers.BooleanField(required=False)


class OneTimePassword(serializers.Serializer):  # type: ignore[type-arg]
    """A password that is shown once."""

    username = serializers.CharField(read_only=True)
    password = serializers.CharField(read_only=True)


AccountList = list_of(UserAccount, "AccountList")


class Users(Resource):
    """All accounts."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="listUsers",
        summary="List the users",
        tags=["Users"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("query", str, description="Words of the user name, the full name or the e-mail address"),
            OpenApiParameter("role", str, enum=list(Role), description="Those who hold it"),
        ],
        responses=answers({200: AccountList}, 400, 403),
    )
    def get(self, request: Request) -> Response:
        """By user name."""
        wanted = request.query_params
        role = wanted.get("role", "")
        if role and role not in set(Role):
            raise serializers.ValidationError({"role": f"Choose one of {', '.join(Role)}."})
        rows = queries.search_users(self.user, text=wanted.get("query", ""), role=role)
        return Response(one_page(request, rows, lambda user: UserAccount(user).data))

    @extend_schema(
        operation_id="createUser",
        summary="Make an account for somebody",
        tags=["Users"],
        request=UserAccount,
        responses=answers({201: NewAccount}, 400, 403),
    )
    def post(self, request: Request) -> Response:
        """The answer holds the one-time password that the account begins with."""
        body = UserAccount(data=request.data)
        body.is_valid(raise_exception=True)
        given, password = body.validated_data, operations.one_time_password()
        user = operations.create_user(
            username=given["username"],
            email=given.get("email", ""),
            roles=given["roles_in_order"],
            password=password,
            **self.by,
        )
        address = reverse("api:users-api:user", args=[user.pk])
        shown = {**UserAccount(user).data, "password": password}
        return Response(shown, status=201, headers={"Location": address, "Cache-Control": "no-store"})


class OneUser(Resource):
    """One account."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="getUser",
        summary="Read an account",
        tags=["Users"],
        responses=answers({200: UserAccount}, 403, 404),
    )
    def get(self, request: Request, user_id: int) -> Response:
        """By its id."""
        return Response(UserAccount(queries.get_user(self.user, user_id)).data)

    @extend_schema(
        operation_id="changeUser",
        summary="Give or take roles, disable or enable",
        tags=["Users"],
        request=AccountChange,
        responses=answers({200: UserAccount}, 400, 403, 404, 409),
    )
    def patch(self, request: Request, user_id: int) -> Response:
        """What is so already stays so. The last administrator stays one."""
        user = queries.get_user(self.user, user_id)
        body = AccountChange(data=request.data)
        body.is_valid(raise_exception=True)
        operations.change_user(
            user=user, roles=body.validated_data.get("roles"), active=body.validated_data.get("enabled"), **self.by
        )
        return Response(UserAccount(queries.get_user(self.user, user_id)).data)


class PasswordResets(Resource):
    """One-time passwords for one account."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="resetPassword",
        summary="Set a one-time password",
        tags=["Users"],
        request=None,
        responses=answers({201: OneTimePassword}, 403, 404, 409),
    )
    def post(self, request: Request, user_id: int) -> Response:
        """Ends their sessions; tokens and connections stay."""
        user = queries.get_user(self.user, user_id)
        password = operations.reset_password(user=user, **self.by)
        body = {"username": user.username, "password": password}
        return Response(body, status=201, headers={"Cache-Control": "no-store"})


class Sessions(Resource):
    """The sessions of one account."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="endSessions",
        summary="Sign somebody out everywhere",
        tags=["Users"],
        responses=answers({200: None}, 403, 404),
    )
    def delete(self, request: Request, user_id: int) -> Response:
        """Tokens and connections stay."""
        operations.end_sessions(user=queries.get_user(self.user, user_id), **self.by)
        return Response(status=200)


class LostSecondFactor(Resource):
    """The second factor of one account."""

    permission_classes = who_may(require_manage_users)

    @extend_schema(
        operation_id="resetSecondFactor",
        summary="Take somebody's second factor away",
        tags=["Users"],
        responses=answers({200: None}, 403, 404, 409),
    )
    def delete(self, request: Request, user_id: int) -> Response:
        """App, passkeys and recovery codes stop working, and they are told. Make sure that it is they who ask."""
        operations.reset_second_factor(user=queries.get_user(self.user, user_id), **self.by)
        return Response(status=200)
