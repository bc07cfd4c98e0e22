"""The resource of the REST API, which knows who asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypedDict

from django.utils import timezone
from rest_framework import exceptions, permissions
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.default_password import OwnPasswordNeeded, must_choose_another
from accounts.installation import SecondFactorNeeded, lacks_second_factor
from accounts.models import User
from accounts.permissions import Viewer


class By(TypedDict):
    """Who does something, and when."""

    actor: User
    now: datetime


def who_may(require: Callable[[Viewer], None]) -> list[type[permissions.BasePermission]]:
    """The `permission_classes` of a resource for those signed in whom a rule of `permissions` lets pass."""

    class MayUse(permissions.BasePermission):
        """Raises what the rule raises for others."""

        def has_permission(self, request: Request, view: Any) -> bool:
            require(request.user)
            return True

    return [permissions.IsAuthenticated, MayUse]


class Resource(APIView):
    """A view of the REST API. `field_names` maps what the operations call a field to what the body calls it."""

    field_names: ClassVar[Mapping[str, str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks, whether they may at all, and nothing in the address that no text can hold.

        Raises OwnPasswordNeeded or SecondFactorNeeded, beside what Django REST framework raises.
        """
        super().initial(request, *args, **kwargs)
        if isinstance(request.user, User) and must_choose_another(request.user):
            raise OwnPasswordNeeded
        if isinstance(request.user, User) and lacks_second_factor(request.user):
            raise SecondFactorNeeded
        if any("\0" in text for text in (*request.query_params.values(), *map(str, kwargs.values()))):
            raise exceptions.ValidationError({"address": "An address cannot contain the character NUL."})

    @property
    def user(self) -> User:
        """Who asks; every resource that uses this lets nobody in without signing in."""
        assert isinstance(self.request.user, User)  # noqa: S101 - IsAuthenticated has been checked
        return self.request.user

    @property
    def by(self) -> By:
        """What every operation is told: who asks, and when."""
        return {"actor": self.user, "now": timezone.now()}
