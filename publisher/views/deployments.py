"""Revisions: the page of deployments, and what is done there."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import current_user, requires
from core.forms import accepted, status_of
from publisher import impact, operations, permissions, queries, snapshots
from publisher.comparison import compare
from publisher.forms import RevisionForm
from publisher.messages import happened, told, undeploying
from publisher.models import Api
from publisher.views.common import api_page

DELIVERIES = ("api.revision_created", "api.revision_deleted", "api.deployed", "api.undeployed")
LATEST = 10


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def deployments(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What is on the gateway and what could be. POST deploys `revision`, or a new one of the design when empty."""
    api = queries.get_api_for(current_user(request), pk)
    if request.method != "POST":
        return _page(request, api, RevisionForm(api=api))
    chosen = request.POST.get("revision")
    revision = queries.get_revision_of(api, chosen) if chosen else None
    form = RevisionForm(request.POST, api=api)
    if not form.is_valid():
        return _page(request, api, form)
    given = form.cleaned_data
    deployed = accepted(
        form,
        lambda: operations.deploy_revision(api=api, revision=revision, **given, actor=current_user(request), now=now()),
    )
    if deployed is None:
        return _page(request, api, form)
    if deployed.deployed_revision:
        number = deployed.deployed_revision.number
        messages.success(request, f"Revision {number} is deployed. Open connections were kept.")
    return redirect("publisher:deployments", pk=api.pk)


@require_POST
@requires()
def revisions(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Record the design as a revision without deploying it."""
    api = queries.get_api_for(current_user(request), pk)
    form = RevisionForm(request.POST, api=api)
    if not form.is_valid():
        return _page(request, api, form)
    revision = operations.create_revision(api=api, **form.cleaned_data, actor=current_user(request), now=now())
    messages.success(request, f"Revision {revision.number} is made.")
    return redirect("publisher:deployments", pk=api.pk)


@require_POST
@requires()
def revision_deletion(request: HttpRequest, pk: uuid.UUID, revision: uuid.UUID) -> HttpResponse:
    """Forget a revision."""
    api = queries.get_api_for(current_user(request), pk)
    permissions.require_revise(current_user(request), api)
    row = queries.get_revision_of(api, revision)
    operations.delete_revision(api=api, revision=row, actor=current_user(request), now=now())
    messages.success(request, f"Revision {row.number} is deleted.")
    return redirect("publisher:deployments", pk=api.pk)


@require_safe
@requires()
def comparison(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What differs between two revisions, or a revision and the design (`before` and `after`, empty: the design)."""
    api = queries.get_api_for(current_user(request), pk)
    revisions = list(queries.revisions_of(api))
    first = api.deployed_revision or (revisions[0] if revisions else None)
    before = request.GET.get("before", str(first.pk) if first else "")
    after = request.GET.get("after", "")
    sides = [queries.get_revision_of(api, each) if each else None for each in (before, after)]
    old, new = (each.snapshot if each else snapshots.take(api) for each in sides)
    context: dict[str, Any] = {
        "revisions": revisions,
        "before": sides[0],
        "after": sides[1],
        "found": compare(old, new),
    }
    return api_page(request, api, "deployments/comparison.html", **context)


@require_POST
@requires()
def undeployment(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take the API off the gateway."""
    api = queries.get_api_for(current_user(request), pk)
    operations.undeploy(api=api, actor=current_user(request), now=now())
    messages.success(request, f"{api} is off the gateway.")
    return redirect("publisher:deployments", pk=api.pk)


@require_POST
@requires()
def restoration(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Make a revision the design again."""
    api = queries.get_api_for(current_user(request), pk)
    permissions.require_edit(current_user(request), api)  # before the page says what differs
    revision = queries.get_revision_of(api, request.POST.get("revision", ""))
    if operations.like_design(api, [revision]):
        messages.info(request, f"Nothing differs: the design is what it was in revision {revision.number} already.")
        return redirect("publisher:deployments", pk=api.pk)
    operations.restore_revision(api=api, revision=revision, actor=current_user(request), now=now())
    messages.success(request, f"The design is what it was in revision {revision.number}. Deploy it to serve it.")
    return redirect("publisher:deployments", pk=api.pk)


def _page(request: HttpRequest, api: Api, form: RevisionForm) -> HttpResponse:
    revisions = list(queries.revisions_of(api))
    deployment = queries.changes_of(api).filter(verb="api.deployed").first()
    touched = impact.of(api)
    context = {
        "form": form,
        "revisions": revisions,
        "like_design": [each.pk for each in operations.like_design(api, revisions)],
        "deployed_by": deployment.actor_name if deployment else "",
        "breaking": snapshots.breaking(api),
        "told": told(touched),
        "undeploying": undeploying(touched),
        "who_goes": list(queries.who_goes(api)),
        "most": settings.MOST_REVISIONS,
        "history": [
            {"what": happened(row.verb, row.detail), "who": row.actor_name, "at": row.at}
            for row in queries.changes_of(api).filter(verb__in=DELIVERIES)[:LATEST]
        ],
    }
    return api_page(request, api, "deployments/list.html", status=status_of(form), **context)
