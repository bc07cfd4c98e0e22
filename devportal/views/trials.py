"""Try out, in the Publisher: the console, on what is deployed or on the working copy. Mounted under /publisher/."""

from __future__ import annotations

from functools import partial
from itertools import chain
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from core.errors import NotAllowed
from devportal import attempts, composing, diagnosis, operations, queries
from devportal.addresses import addresses_of
from devportal.views.console import checked, issued_to, parts_of
from publisher import permissions, snapshots
from publisher.lifecycle import State
from publisher.queries import get_api_for

WORKING_COPY = "working"


@require_safe
@requires()
def trial(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The console; or what is missing before it can connect."""
    user = current_user(request)
    api = get_api_for(user, pk)
    refusal = ""
    try:
        permissions.require_try(user, api)
    except NotAllowed as error:
        refusal = str(error)
    there = [snapshots.take(api), *([api.deployed_revision.snapshot] if api.deployed_revision else [])]
    endpoints = list(dict.fromkeys(chain.from_iterable(map(snapshots.key_types_of, there))))
    addresses, parts = addresses_of(api), parts_of(user, api, api.topics)
    context = {
        "api": api,
        **parts,
        # The exact version: a shorter one may reach another.
        "first": f"{addresses.wss}{composing.way_in(api.topics)}",
        "other_addresses": [addresses.ws, *parts["other_addresses"]],
        "keys": [{"value": each, "label": f"{each.capitalize()} endpoint"} for each in endpoints],
        "key_name": "key_type",
        "tickets_url": reverse("devportal:trial-tickets", args=[api.pk]),
        "reasons_url": reverse("devportal:trial-diagnosis", args=[api.pk]),
        "checks_url": reverse("devportal:trial-checks", args=[api.pk]),
        "chooses_design": True,
        "has_backend": api.has_backend,
        "can_connect": (api.deployed_revision or api.has_backend) and api.stage is not State.RETIRED,
        "deployed": api.deployed_revision,
        "differences": snapshots.differences(api),
        "refusal": refusal,
    }
    return render(request, "devportal/trials/page.html", context)


@require_POST
@requires()
def trial_tickets(request: HttpRequest, pk: UUID) -> JsonResponse:
    """A ticket for one connection from here: `{"ticket", "pass", "connectionId"}`, or `{"reasons": [sentence]}`."""
    issue = partial(
        operations.issue_internal_ticket,
        api=get_api_for(current_user(request), pk),
        key_type=request.POST.get("key_type", "").upper(),
        of_working_copy=request.POST.get("design") == WORKING_COPY,
    )
    return issued_to(request, issue)


@require_POST
@requires()
def trial_checks(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Whether a text may be sent, as `console.checks` says it."""
    return checked(request, get_api_for(current_user(request), pk).topics)


@require_safe
@requires()
def trial_diagnosis(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Why a connection from this page did not come about, as `console.attempt` says it."""
    user = current_user(request)
    get_api_for(user, pk)
    refused = attempts.refusal_of(request.GET.get("attempt", "")[:64])
    mine = queries.internal_application_of(user)
    if refused and refused.application_id in ("", str(mine.pk) if mine else ""):
        return JsonResponse({"recorded": True, "reasons": diagnosis.of_refusal(refused)})
    return JsonResponse({"recorded": False, "reasons": []})
