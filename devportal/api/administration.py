"""What the resources of the Administration's REST API share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import permissions
from rest_framework.request import Request

from accounts.models import User
from core.rest.refusals import PreconditionFailed
from publisher.permissions import can_manage_plans

IF_MATCH: Final = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read.")


class ManagesPlans(permissions.BasePermission):
    """For administrators."""

    message = "Managing plans needs the admin role."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the user is one."""
        return isinstance(request.user, User) and can_manage_plans(request.user)


WHO_MANAGE_PLANS = [permissions.IsAuthenticated, ManagesPlans]


def etag(document: Mapping[str, Any]) -> str:
    """Changes whenever what the document says changes."""
    return f'"{hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:20]}"'


def check_unchanged(request: Request, present: str) -> None:
    """Raise PreconditionFailed unless the ETag of If-Match, where one is sent, is the present one."""
    wanted = request.headers.get("If-Match", "*")
    if wanted != "*" and present not in [each.strip() for each in wanted.split(",")]:
        raise PreconditionFailed
