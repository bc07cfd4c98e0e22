"""What the Publisher's views share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import current_user
from accounts.models import User
from core.errors import NotAllowed
from publisher import health, permissions, snapshots
from publisher.lifecycle import SERVED
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


def refusals(user: User, api: Api) -> dict[str, str]:
    """Why the user may not do it, as a sentence, for each action that is not drawn: `{{ needs.deploy }}`."""
    found = {}
    for action in ACTIONS:
        try:
            getattr(permissions, f"require_{action}")(user, api)
        except NotAllowed as refusal:
            found[action] = str(refusal)
    return found


def health_for(api: Api, now: datetime) -> dict[str, Any]:
    """How the API fares, for a page that shows it; nothing where it is not served or nobody knows."""
    known = health.of([api], now).get(str(api.pk)) if is_served(api) else None
    return {"health": known, "verdict": health.verdict(known, now)} if known else {}


def is_served(api: Api) -> bool:
    """Whether the gateway answers for the API."""
    return api.stage in SERVED and api.deployed_revision is not None


def api_page(request: HttpRequest, api: Api, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page inside an API. Templates ask `{% if may.edit %}`, and say `{{ needs.edit }}` where the person may not."""
    needs = refusals(current_user(request), api)
    everywhere = {
        "api": api,
        "may": {action: action not in needs for action in ACTIONS},
        "needs": needs,
        "differences": snapshots.differences(api),
        "deployed": api.deployed_revision,
    }
    return render(request, f"publisher/{template}", {**everywhere, **context}, status=status)
