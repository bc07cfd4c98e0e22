"""The LIFECYCLE page and the transitions taken on it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from accounts.models import User
from core.errors import Conflict, Invalid
from publisher import diagram, impact, operations, queries
from publisher.forms import TransitionForm
from publisher.lifecycle import DEPLOYING, Action, Checklist, State, allowed_actions
from publisher.messages import consequence
from publisher.models import Api
from publisher.views.common import api_page

CONFIRMED = frozenset({Action.BLOCK, Action.DEMOTE, Action.DEPRECATE, Action.RETIRE})
HARD = frozenset({Action.BLOCK, Action.DEMOTE, Action.RETIRE})


@dataclass(frozen=True)
class Offer:
    """One action as the page offers it: what its button says and does, and a `key` for ids on the page.

    `is_confirmed`: it is asked again before it happens. `is_hard`: it closes connections. `is_final`: nothing brings
    the API back, so its name must be typed. `needs_all`: endpoint and plans must be there first. `needs_approval`: an
    administrator has to approve it.
    """

    action: Action
    label: str
    key: str
    consequence: str
    is_confirmed: bool
    is_hard: bool
    is_final: bool
    needs_all: bool
    needs_approval: bool


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
    form = TransitionForm(request.POST, api=api)
    if not form.is_valid():
        sentences = [str(sentence) for errors in form.errors.values() for sentence in errors]
        return _page(request, api, refusal=" ".join(sentences), status=400)
    step = form.cleaned_data
    try:
        asked = operations.move_api(
            api=api,
            action=step["action"],
            checklist=Checklist(step["deprecate_old_versions"], step["require_resubscription"]),
            seen=step["seen"],
            actor=current_user(request),
            now=now(),
        )
        api = queries.get_api_for(current_user(request), pk)
    except (Invalid, Conflict) as refusal:
        api = queries.get_api_for(current_user(request), pk)
        return _page(request, api, refusal=str(refusal), status=refusal.status)
    if asked:
        messages.info(request, f"{asked.action} is asked for. It happens once an administrator has approved it.")
    else:
        messages.success(request, f"{api} is {api.stage.label} now.")
    return redirect("publisher:lifecycle", pk=api.pk)


@require_POST
@requires()
def withdrawal(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take back the step that waits for approval."""
    api = queries.get_api_for(current_user(request), pk)
    try:
        operations.withdraw_request(api=api, actor=current_user(request), now=now())
    except Conflict as refusal:
        return _page(request, api, refusal=str(refusal), status=refusal.status)
    messages.success(request, "Nothing waits for approval any more.")
    return redirect("publisher:lifecycle", pk=api.pk)


def _page(request: HttpRequest, api: Api, refusal: str = "", status: int = 200) -> HttpResponse:
    plans = [plan.name for plan in queries.plans_of(api)]
    sentences = operations.NotReadyToPublish.SENTENCES
    there = {"endpoint": api.has_backend, "plans": plans}
    steps = [
        (row, row.detail.get("from"), row.detail.get("to", State.CREATED)) for row in queries.lifecycle_history(api)
    ]
    context = {
        "diagram": diagram.of(api.stage),
        "offers": _offers(api, plans, current_user(request)),
        "missing": [{"page": page, "sentence": sentences[page]} for page, is_there in there.items() if not is_there],
        "older": [each for each in queries.older_versions_of(api) if each.stage is State.PUBLISHED],
        "history": [
            {
                "who": row.actor_name,
                "at": row.at,
                "source": State(source).label if source else "",
                "target": State(target).label,
            }
            for row, source, target in steps
        ],
        "pending": queries.pending_request_of(api),
        "rejected": queries.last_rejection_of(api),
        "next_revision": queries.next_revision_number(api),
        "goes": queries.who_goes(api).first(),
        "refusal": refusal,
    }
    return api_page(request, api, "lifecycle/page.html", status=status, **context)


def _offers(api: Api, plans: list[str], user: User) -> list[Offer]:
    """Each step that leads on, with what it would do in figures. The tutorial's label keeps its capitals."""
    touched = impact.of(api)
    return [
        Offer(
            action,
            label="PUBLISH" if action is Action.PUBLISH else action.value,
            key=action.name.lower(),
            consequence=consequence(action, api.stage, touched, plans),
            is_confirmed=action in CONFIRMED,
            is_hard=action in HARD,
            is_final=action is Action.RETIRE,
            needs_all=action in DEPLOYING,
            needs_approval=operations.asks_for_approval(action, user),
        )
        for action in allowed_actions(api.stage)
    ]
