"""Try out: the console on an API's page, connected with the keys of one of the developer's own applications."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from accounts.models import User
from accounts.roles import Role
from core.errors import Conflict, Invalid, NotAllowed
from core.forms import sent, show_refusal, status_of
from devportal import attempts, composing, diagnosis, operations, queries
from devportal.addresses import addresses_of
from devportal.forms import StartForm
from devportal.models import Application, Subscription
from devportal.operations.starts import application_to_try
from devportal.tickets import IssuedTicket
from devportal.views.apis import may_start
from publisher import snapshots
from publisher.models import Api
from publisher.origins import console_pass


@require_safe
@requires(Role.SUBSCRIBER)
def console(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The console with the keys that the developer has; or the button that makes what is missing."""
    return _page(request, queries.api_for(request.user, pk), StartForm(sent(request)))


@require_POST
@requires(Role.SUBSCRIBER)
def starts(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Try it: make what is missing, say what that was, and open the connected console."""
    api, user = queries.api_for(request.user, pk), current_user(request)
    form = StartForm(request.POST)
    given = form.cleaned_data["attributes"] if form.is_valid() else {}
    try:
        begun = operations.start(api=api, actor=user, attributes=given, now=timezone.now())
    except Invalid as refusal:
        if not form.asked.keys() & request.POST.keys():
            return redirect("devportal:console", api.pk)  # which asks
        if not form.errors:
            show_refusal(form, refusal)
        return _page(request, api, form)
    except Conflict as refusal:
        messages.error(request, str(refusal))
        return redirect("devportal:console", api.pk)
    if begun.made:
        messages.success(request, str(begun))
    if begun.client is None:
        return redirect("devportal:console", api.pk)
    return redirect(f"{reverse('devportal:console', args=[api.pk])}?key={begun.client.pk}&connect=1")


@require_POST
@requires(Role.SUBSCRIBER)
def tickets(request: HttpRequest, pk: UUID) -> JsonResponse:
    """A ticket for one connection with `key`: `{"ticket", "pass", "connectionId"}`, or `{"reasons": [sentence]}`."""
    user = current_user(request)
    api = queries.api_for(user, pk)
    client, application = queries.own_keys(user, request.POST.get("key", ""))
    issue = partial(operations.issue_ticket, client=client, api=api, scopes=queries.scopes_of(application))
    return issued_to(request, issue)


def issued_to(request: HttpRequest, issue: Callable[..., IssuedTicket]) -> JsonResponse:
    """The ticket for the page that asked, with the pass that it shows beside it; or why there is none."""
    try:
        made = issue(origin=request.headers.get("Origin", ""), actor=current_user(request), now=timezone.now())
    except (Conflict, NotAllowed) as refusal:
        return JsonResponse({"reasons": [str(refusal)]}, status=refusal.status)
    known_by = console_pass(settings.SECRET_KEY, made.ticket)
    document = {"ticket": made.ticket, "pass": known_by, "connectionId": made.connection_id}
    return JsonResponse(document, headers={"Cache-Control": "no-store"})


@require_safe
@requires(Role.SUBSCRIBER)
def attempt(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Why a connection did not come about: `{"recorded": bool, "reasons": [sentence, …]}`.

    `recorded` says that these are the gateway's own words about the attempt named in the query; else they are what the
    portal knows to stand in the way of the `key`, perhaps nothing.
    """
    user = current_user(request)
    api = queries.api_for(user, pk)
    client, application = queries.own_keys(user, request.GET.get("key", ""))
    refused = attempts.refusal_of(request.GET.get("attempt", "")[:64])
    if refused and refused.application_id in ("", str(application.pk)):
        return JsonResponse({"recorded": True, "reasons": diagnosis.of_refusal(refused)})
    found = diagnosis.reasons(
        api=api,
        application=application,
        subscription=application.subscriptions.filter(api=api).select_related("plan", "api").first(),
        key_type=client.key_type,
        live_tokens=1,  # each attempt brings one of its own
        denied=queries.conditions_against(application, api),
    )
    return JsonResponse({"recorded": False, "reasons": found})


@require_POST
@requires(Role.SUBSCRIBER)
def checks(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Whether `text` is what the message `kind` of what is served may be: `{"reasons": [sentence, …]}`."""
    return checked(request, topics_of(queries.api_for(request.user, pk)))


def topics_of(api: Api) -> composing.Topics:
    """The topics of what is served."""
    topics: composing.Topics = api.deployed_revision.snapshot["topics"] if api.deployed_revision else []
    return topics


def checked(request: HttpRequest, topics: composing.Topics) -> JsonResponse:
    """The verdict on what is being composed, for both portals."""
    return JsonResponse(
        {"reasons": composing.problems(topics, request.POST.get("kind", ""), request.POST.get("text", ""))}
    )


def console_of(user: User, api: Api, subscriptions: list[Subscription], chosen: str = "") -> dict[str, Any]:
    """What `devportal/console/card.html` needs: where to, with which keys, and what may be sent there."""
    there = snapshots.key_types_served(api)
    keys = [
        {"value": str(client.pk), "label": f"{subscription.application} · {client.get_key_type_display()}"}
        for subscription in subscriptions
        for client in subscription.application.clients.all()
        if client.key_type in there
    ]
    keys.sort(key=lambda each: each["value"] != chosen)
    return {
        "keys": keys,
        "key_name": "key",
        "tickets_url": reverse("devportal:console-tickets", args=[api.pk]),
        "reasons_url": reverse("devportal:console-attempt", args=[api.pk]),
        "checks_url": reverse("devportal:console-checks", args=[api.pk]),
        **parts_of(user, api, topics_of(api)),
    }


def parts_of(user: User, api: Api, topics: composing.Topics) -> dict[str, Any]:
    """What the consoles of both portals need of an API: its addresses, and what may be sent there."""
    addresses = addresses_of(api)
    paths = [each["target"] for each in topics if each["target"] not in ("/", "/*")][: composing.MOST_PATHS]
    base = addresses.wss_short
    first = f"{base}{composing.way_in(topics)}"
    return {
        "addresses": addresses,
        "first": first,
        "other_addresses": [base, addresses.ws_short, *(f"{base}{path}" for path in paths)],
        "gateway_addresses": f"{settings.GATEWAY_WSS_URL} {settings.GATEWAY_WS_URL}",
        "sendable": composing.sendable(topics),
        "kept_as": f"console.{user.pk}.{api.pk}",
    }


def _page(request: HttpRequest, api: Api, form: StartForm) -> HttpResponse:
    user = current_user(request)
    subscriptions = queries.subscriptions_to_try(user, api)
    starts = may_start(user, api, has_subscriptions=bool(subscriptions))
    waits = subscriptions[0].reason if subscriptions else ""  # of the one that works best
    if subscriptions and subscriptions[0].application.approval != Application.Approval.APPROVED:
        sentence = _("%(application)s is not approved by an administrator yet. You are told when it is.")
        waits = sentence % {"application": subscriptions[0].application}
    context = {
        "api": api,
        "may_start": starts,
        "form": form if starts and not subscriptions and not application_to_try(user) else None,
        "waits": waits,
        **console_of(user, api, subscriptions, chosen=request.GET.get("key", "")),
        "connects": "connect" in request.GET,
    }
    return render(request, "devportal/console/page.html", context, status=status_of(form))
