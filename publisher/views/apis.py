"""The list of APIs and the overview of one."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from accounts.access import current_user, requires
from accounts.roles import PUBLISHER_PORTAL
from core.paging import KeysFirst
from core.searching import asked
from publisher import health, impact, permissions, progress, queries, snapshots, validation, versions
from publisher.endpoint import Endpoint
from publisher.lifecycle import LISTED, Action, State
from publisher.messages import happened
from publisher.models import Api
from publisher.views.common import api_page, health_for, is_served

APIS_A_PAGE = 24
SORTS = (("-updated", "Changed"), ("-created", "New"), ("name", "Name"), ("state", "State"))
"""How cards are sorted, which have no heads to click."""
LATEST, NEWEST = 6, 5


@require_safe
@requires(*PUBLISHER_PORTAL)
def apis(request: HttpRequest) -> HttpResponse:
    """The APIs as a table or as cards (`view`), searched by `q`, filtered by `state`, sorted by `sort`."""
    user, typed = current_user(request), request.GET.get("q", "").strip()
    text, refusal = asked(typed, queries.lookups_for(typed, queries.apis_for(user)))
    word = request.GET.get("state", "")
    state = State(word) if word in State.__members__ else None
    sort = request.GET.get("sort", queries.DEFAULT_SORT)
    everywhere = queries.search_apis(user, text=text, sort=sort)
    found = everywhere.filter(state=state.value) if state else everywhere
    counts = dict(everywhere.order_by().values_list("state").annotate(number=Count("pk")))
    number = counts.get(state.value, 0) if state else sum(counts.values())
    rows: Any = KeysFirst(found, queries.apis_for(user).prefetch_related("plans"), number)
    page = Paginator(rows, APIS_A_PAGE).get_page(request.GET.get("page"))
    moment = now()
    known = health.of([each for each in page if is_served(each)], moment)
    verdicts = {api_id: health.verdict(each, moment) for api_id, each in known.items()}
    wrong = {api_id: verdict for api_id, verdict in verdicts.items() if verdict.kind == "bad"}
    context = {
        "page": page,
        "rows": [(each, wrong.get(str(each.pk))) for each in page],
        "text": text,
        "typed": typed,
        "refusal": refusal,
        "state": state,
        "states": [(each, counts[each.value]) for each in State if each.value in counts],
        "as_cards": request.GET.get("view") == "cards",
        "sorts": SORTS,
        "sort": sort if sort in queries.SORTS else queries.DEFAULT_SORT,
        "actions": [action.value for action in Action],
        "may_create": permissions.can_create(user),
        "may_publish_apis": permissions.can_publish(user),
    }
    return render(request, "publisher/apis/list.html", context, status=400 if refusal else 200)


@require_safe
@requires()
def api(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The overview of one API: what is done, what is missing, where it answers, what happened last."""
    found = queries.get_api_for(current_user(request), pk)
    plans, is_mocked = queries.plans_of(found), found.mock.get("is_on", False)
    steps = progress.steps(
        topics=len(found.topics),
        endpoint="mock" if is_mocked else urlsplit((found.production or found.sandbox).get("url", "")).netloc,
        plans=[plan.name for plan in plans],
        deployed=found.deployed_revision.number if found.deployed_revision else None,
        differences=snapshots.differences(found),
        state=found.stage,
    )
    endpoints = [
        (label, Endpoint.from_document(document))
        for label, document in (("Production", found.production), ("Sandbox", found.sandbox))
    ]
    context: dict[str, Any] = {
        "steps": steps,
        "is_complete": all(step.state == progress.DONE for step in steps),
        "touched": impact.of(found),
        **health_for(found, now()),
        "plans": plans,
        "endpoints": [] if is_mocked else [(label, endpoint) for label, endpoint in endpoints if endpoint],
        "is_mocked": is_mocked,
        "path": validation.served_path(found.context, found.version),
        "also_at": _also_at(found),
        "is_served": is_served(found),
        "is_listed": found.stage in LISTED,
        "changes": [
            {"what": happened(row.verb, row.detail), "who": row.actor_name, "at": row.at}
            for row in queries.changes_of(found)[:LATEST]
        ],
        "versions": queries.versions_of(found),
        "newest": impact.newest_subscriptions(found, NEWEST),
    }
    return api_page(request, found, "apis/overview.html", **context)


def _also_at(found: Api) -> list[tuple[str, str]]:
    """Shorter paths that reach this version now, with the reason in words."""
    deployed = queries.deployed_versions_of(found)
    if found not in deployed:
        return []
    shorter = versions.shorter(found.version, [each.version for each in deployed if each != found])
    paths = [(validation.served_path(found.context, shorter), "")] if shorter else []
    if queries.default_version_of(found) == found and validation.VERSION_PLACEHOLDER not in found.context:
        paths.append((found.context, "default version"))
    return paths
