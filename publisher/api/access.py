"""Who may use the Publisher's part of the REST API."""

from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.views import APIView

from publisher.permissions import require_enter


class EntersPublisher(permissions.BasePermission):
    """For lists, of which a stranger would see an empty one; single things are not found by strangers instead."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Let in who works in the Publisher. Raises RoleRequired for others."""
        require_enter(request.user)
        return True


IN_THE_PUBLISHER = [permissions.IsAuthenticated, EntersPublisher]
