"""One lifecycle action for several APIs at once: first what it would do to each, then what became of each."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods

from accounts.access import current_user, requires
from accounts.roles import PUBLISHER_PORTAL
from core.errors import DomainError
from core.text import agree, count
from publisher import impact, operations, permissions, queries
from publisher.forms import BulkForm
from publisher.lifecycle import TRANSITIONS, Action, State, TransitionRefused, next_state
from publisher.messages import consequence
from publisher.models import Api

MOST_AT_ONCE = 100
WORD = "retire"


@require_http_methods(["GET", "HEAD", "POST"])
@requires(*PUBLISHER_PORTAL)
def transitions(request: HttpRequest) -> HttpResponse:
    """GET asks: what it would do to each API, and which would be refused. POST does it, each API by itself."""
    user = current_user(request)
    permissions.require_publish(user)
    data = request.POST if request.method == "POST" else request.GET
    named = [word.partition(" ")[0] for word in data.getlist("apis")][:MOST_AT_ONCE]
    found = {str(api.pk): api for api in queries.apis_among(user, named)}
    form = BulkForm(data, known=found)
    if not form.is_valid():
        sentences = [str(sentence) for errors in form.errors.values() for sentence in errors]
        return render(request, "publisher/apis/bulk.html", {"problem": " ".join(sentences)}, status=400)
    action, chosen = form.cleaned_data["action"], form.chosen()
    wanted = [(found[pk], seen) for pk, seen in chosen.items()]
    context = {"action": action, "word": WORD if action is Action.RETIRE else "", "back": request.GET.get("back", "")}
    confirmed = not context["word"] or form.cleaned_data["confirmation"] == WORD
    if request.method == "POST" and confirmed:
        outcome = _take(wanted, action, request)
        return render(request, "publisher/apis/bulk_done.html", {**context, **outcome})
    touched = impact.among(list(found.values()))
    rows = []
    for api, seen in wanted:
        try:
            next_state(api.stage, action)
        except TransitionRefused as refusal:
            rows.append((api, seen, str(refusal), True))
        else:
            plans = [plan.name for plan in api.plans.all()]
            rows.append((api, seen, consequence(action, api.stage, touched[str(api.pk)], plans), False))
    context |= {
        "rows": rows,
        "asks": operations.asks_for_approval(action, user),
        "possible": sum(not refused for *_, refused in rows),
        "problem": f"Type {WORD} to go on. Nothing brings a retired API back." if request.method == "POST" else "",
    }
    return render(request, "publisher/apis/bulk.html", context, status=400 if context["problem"] else 200)


def _take(wanted: list[tuple[Api, State]], action: Action, request: HttpRequest) -> dict[str, object]:
    """Each API by itself, so that one that is refused keeps no other back."""
    done: list[Api] = []
    asked: list[Api] = []
    refused: list[tuple[Api, str]] = []
    for api, seen in wanted:
        try:
            waits = operations.move_api(api=api, action=action, seen=seen, actor=current_user(request), now=now())
            (asked if waits else done).append(api)
        except DomainError as refusal:
            refused.append((api, str(refusal)))
    state = TRANSITIONS[done[0].stage, action].label if done else ""
    said = f"{count(len(done), 'API')} {agree(len(done), 'is', 'are')} {state} now." if done else ""
    return {"done": done, "asked": asked, "refused": refused, "said": said}
