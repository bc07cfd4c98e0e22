"""What the Publisher's views share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import current_user
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


def health_for(api: Api, now: datetime) -> dict[str, Any]:
    """How the API fares, for a page that shows it; nothing where it is not served or nobody knows."""
    known = health.of([api], now).get(str(api.pk)) if is_served(api) else None
    return {"health": known, "verdict": health.verdict(known, now)} if known else {}


def is_served(api: Api) -> bool:
    """Whether the gateway answers for the API."""
    return api.stage in SERVED and api.deployed_revision is not None


def api_page(request: HttpRequest, api: Api, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page inside an API. Templates ask `{% if may.edit %}`, and say `{{ needs.edit }}` where the person may not."""
    needs = {}
    for action in ACTIONS:
        try:
            getattr(permissions, f"require_{action}")(current_user(request), api)
        except NotAllowed as refusal:
            needs[action] = str(refusal)
    everywhere = {
        "api": api,
        "may": {action: action not in needs for action in ACTIONS},
        "needs": needs,
        "differences": snapshots.differences(api),
        "deployed": api.deployed_revision,
    }
    return render(request, f"publisher/{template}", {**everywhere, **context}, status=status)
