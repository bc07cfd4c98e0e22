"""What the resources of the Administration's REST API share."""

from __future__ import annotations

from typing import Any

from rest_framework import permissions
from rest_framework.request import Request

from publisher.permissions import require_manage_plans


class ManagesPlans(permissions.BasePermission):
    """For administrators."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Let in who may manage plans. Raises RoleRequired for others."""
        require_manage_plans(request.user)
        return True


WHO_MANAGE_PLANS = [permissions.IsAuthenticated, ManagesPlans]
