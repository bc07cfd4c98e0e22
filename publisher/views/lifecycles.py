"""The LIFECYCLE page and the transitions taken on it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from core.errors import Conflict, Invalid
from core.models import AuditEntry
from publisher import diagram, impact, operations, permissions, queries
from publisher.forms import TransitionForm
from publisher.lifecycle import DEPLOYING, Action, State, allowed_actions
from publisher.messages import consequence
from publisher.models import Api
from publisher.views.common import api_page

CONFIRMED = frozenset({Action.BLOCK, Action.DEMOTE, Action.DEPRECATE, Action.RETIRE})
HARD = frozenset({Action.BLOCK, Action.DEMOTE, Action.RETIRE})


@dataclass(frozen=True)
class Offer:
    """One action as the page offers it."""

    action: Action
    consequence: str

    @property
    def label(self) -> str:
        """What the button says; the tutorial's label keeps its capitals."""
        return "PUBLISH" if self.action is Action.PUBLISH else self.action.value

    @property
    def key(self) -> str:
        """A word for ids on the page."""
        return self.action.name.lower()

    @property
    def is_confirmed(self) -> bool:
        """Whether it is asked again before it happens."""
        return self.action in CONFIRMED

    @property
    def is_hard(self) -> bool:
        """Whether connections are closed by it."""
        return self.action in HARD

    @property
    def is_final(self) -> bool:
        """Whether nothing brings the API back, so that its name must be typed."""
        return self.action is Action.RETIRE

    @property
    def needs_all(self) -> bool:
        """Whether endpoint and plans must be there first."""
        return self.action in DEPLOYING


@require_safe
@requires()
def lifecycle(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The state diagram, what can be done now with which consequence, and the history."""
    return _page(request, queries.get_api_for(current_user(request), pk))


@require_POST
@requires()
def transitions(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take one step."""
    api = queries.get_api_for(current_user(request), pk)
    permissions.require_publish(current_user(request), api)
    form = TransitionForm(request.POST, api=api)
    if not form.is_valid():
        return _page(request, api, refusal=" ".join(form.sentences()), status=400)
    try:
        api = operations.transition_api(
            api=api,
            action=form.cleaned_data["action"],
            checklist=form.checklist(),
            seen=form.cleaned_data["seen"],
            actor=current_user(request),
            now=now(),
        )
    except (Invalid, Conflict) as refusal:
        return _page(
            request, queries.get_api_for(current_user(request), pk), refusal=str(refusal), status=refusal.status
        )
    messages.success(request, f"{api} is {api.stage.label} now.")
    return redirect("publisher:lifecycle", pk=api.pk)


def _page(request: HttpRequest, api: Api, refusal: str = "", status: int = 200) -> HttpResponse:
    plans = [plan.name for plan in queries.plans_of(api)]
    context = {
        "diagram": diagram.of(api.stage),
        "offers": _offers(api, plans),
        "missing": _missing(api, plans),
        "older": [each for each in queries.older_versions_of(api) if each.stage is State.PUBLISHED],
        "history": [_told(row) for row in queries.lifecycle_history(api)],
        "next_revision": queries.next_revision_number(api),
        "refusal": refusal,
    }
    return api_page(request, api, "lifecycle/page.html", status=status, **context)


def _offers(api: Api, plans: list[str]) -> list[Offer]:
    touched = impact.of(api)
    actions = allowed_actions(api.stage)
    return [Offer(action, consequence(action, api.stage, touched, plans)) for action in actions]


def _missing(api: Api, plans: list[str]) -> list[dict[str, str]]:
    wanted = [("endpoint", "endpoint", api.has_endpoint), ("plans", "plans", bool(plans))]
    sentences = operations.NotReadyToPublish.SENTENCES
    return [{"page": page, "sentence": sentences[name]} for name, page, there in wanted if not there]


def _told(row: AuditEntry) -> dict[str, Any]:
    detail = row.detail
    return {
        "who": row.actor_name,
        "at": row.at,
        "source": State(detail["from"]).label if "from" in detail else "",
        "target": State(detail["to"]).label if "to" in detail else State.CREATED.label,
    }
