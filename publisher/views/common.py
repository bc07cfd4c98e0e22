"""What the Publisher's views share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import current_user
from accounts.models import User
from publisher import permissions, snapshots
from publisher.models import Api

ACTIONS = (
    "edit",
    "version",
    "delete",
    "revise",
    "deploy",
    "set_plans",
    "publish",
)


def rights(user: User, api: Api) -> dict[str, bool]:
    """What the user may do to the API, for templates: `{% if may.edit %}`."""
    return {action: getattr(permissions, f"can_{action}")(user, api) for action in ACTIONS}


def api_page(request: HttpRequest, api: Api, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page inside an API."""
    everywhere = {
        "api": api,
        "may": rights(current_user(request), api),
        "differences": snapshots.differences(api),
        "deployed": api.deployed_revision,
    }
    return render(request, f"publisher/{template}", {**everywhere, **context}, status=status)
