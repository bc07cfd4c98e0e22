"""What the resources of the Administration's REST API share."""

from __future__ import annotations

from typing import Any

from rest_framework import permissions
from rest_framework.request import Request

from accounts.models import User
from publisher.permissions import can_manage_plans


class ManagesPlans(permissions.BasePermission):
    """For administrators."""

    message = "Managing plans needs the admin role."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the user is one."""
        return isinstance(request.user, User) and can_manage_plans(request.user)


WHO_MANAGE_PLANS = [permissions.IsAuthenticated, ManagesPlans]
