"""Who may use the Publisher's part of the REST API."""

from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from publisher.permissions import can_enter


class EntersPublisher(permissions.BasePermission):
    """For lists, of which a stranger would see an empty one; single things are not found by strangers instead."""

    message = "The Publisher is for creators, publishers and observers. Ask an administrator for one of these roles."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the user holds a role in the Publisher."""
        return isinstance(request.user, User) and can_enter(request.user)


IN_THE_PUBLISHER = [permissions.IsAuthenticated, EntersPublisher]
