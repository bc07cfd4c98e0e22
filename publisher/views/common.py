"""What the Publisher's views share."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from publisher import permissions, snapshots
from publisher.models import Api

DEEDS = (
    "edit",
    "version",
    "delete",
    "revise",
    "deploy",
    "set_plans",
    "publish",
)


def who(request: HttpRequest) -> User:
    """Who is asking. The door in front of every view has sent everybody else away."""
    return cast(User, request.user)


def rights(user: User, api: Api) -> dict[str, bool]:
    """What the user may do to the API, for templates: `{% if may.edit %}`."""
    return {deed: getattr(permissions, f"can_{deed}")(user, api) for deed in DEEDS}


def api_page(request: HttpRequest, api: Api, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page inside an API."""
    everywhere = {
        "api": api,
        "may": rights(who(request), api),
        "differences": snapshots.differences(api),
        "deployed": api.deployed_revision,
    }
    return render(request, f"publisher/{template}", {**everywhere, **context}, status=status)
