"""The key generation wizard: from nothing to a working connection in five steps."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from devportal import composing, diagnosis, operations, queries, snippets, tokens
from devportal.addresses import addresses_of, takes_token_in_url
from devportal.forms import EXISTING, PlanForm, TokenForm, WizardApplicationForm, WizardKeysForm
from devportal.models import Application, KeyType
from devportal.operations import wizard
from devportal.sharing import Right
from devportal.views.common import keep_once, kept_nowhere, show_once
from devportal.views.console import console_of, topics_of
from devportal.views.steps import Run, run_for, steps_of
from publisher.lifecycle import SUBSCRIBABLE

APPLICATION_FIELDS = ("name", "description", "plan", "token_type", "attributes")


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def application_step(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Step 1: create an application, or choose one."""
    actor, now = current_user(request), timezone.now()
    run = run_for(actor, pk)
    mine = queries.applications_of(actor, least=Right.MANAGE)
    before = request.GET.get("application", "")  # the choice of somebody who comes back
    typed, begun = sent(request), wizard.run_of(actor, run.api)
    if typed is None and begun and not before and "anew" not in request.GET:
        key_type = KeyType(begun.key_type) if begun.key_type else None
        again = run_for(actor, pk, begun.application_id, key_type)
        return redirect(again.address(again.first_open))
    initial = {"which": EXISTING, "application": before} if before else {}
    form = WizardApplicationForm(typed, mine=mine, initial=initial)
    if request.method == "POST" and form.is_valid():
        application: Application | None = form.cleaned_data["application"]
        if not form.wants_existing:
            fields = {name: form.cleaned_data[name] for name in APPLICATION_FIELDS}
            application = accepted(form, lambda: wizard.create_once(api=run.api, **fields, actor=actor, now=now))
        if application:
            wizard.begin_run(api=run.api, application=application, actor=actor, now=now)
            return redirect(Run(run.api, application).address(2))
    return _page(request, "application", 1, run, form=form, mine=mine)


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe_step(request: HttpRequest, pk: UUID, application: UUID) -> HttpResponse:
    """Step 2: subscribe the application, or change its plan."""
    run = run_for(current_user(request), pk, application)
    if run.subscription is None and run.api.stage not in SUBSCRIBABLE:
        about = {"api": run.api, "state": _(run.api.stage.label).lower()}
        messages.error(request, _("%(api)s is %(state)s and takes no new subscribers.") % about)
        return redirect("devportal:api", run.api.pk)
    actor, now, current = current_user(request), timezone.now(), run.subscription
    form = PlanForm(sent(request), api=run.api, viewer=actor, current=current.plan if current else None)
    if request.method == "POST" and form.is_valid():
        chosen = {"application": _application_of(run), "api": run.api, "plan": form.cleaned_data["plan"]}
        subscription = accepted(form, lambda: wizard.subscribe_once(**chosen, actor=actor, now=now))
        if subscription:
            wizard.begin_run(api=run.api, application=subscription.application, actor=actor, now=now)
            return redirect(run.address(3))
    return _page(request, "subscribe", 2, run, form=form)


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def keys_step(request: HttpRequest, pk: UUID, application: UUID) -> HttpResponse:
    """Step 3: generate production or sandbox keys; those that exist are used as they are."""
    run = run_for(current_user(request), pk, application)
    if run.first_open < 3:
        return redirect(run.address(run.first_open))
    chosen, before = _application_of(run), request.GET.get("type", "").upper()
    existing = frozenset(each.key_type for each in chosen.clients.all())
    initial = {"key_type": before} if before in KeyType.values else {}
    form = WizardKeysForm(sent(request), existing=existing, initial=initial)
    if request.method == "POST" and form.is_valid():
        key_type = KeyType(form.cleaned_data["key_type"])
        by: Any = {"actor": current_user(request), "now": timezone.now()}
        onward = redirect(Run(run.api, chosen, run.subscription, key_type).address(4))
        fields = {name: form.cleaned_data[name] for name in ("grant_types", "callback_url", "token_seconds")}
        fields |= {"application": chosen, "key_type": key_type}
        made = None if form.reuses else accepted(form, lambda: wizard.generate_once(**fields, **by))
        if made and made[1]:
            keep_once(request, onward, "secret", *made)
        if made or form.reuses:
            wizard.begin_run(api=run.api, application=chosen, key_type=key_type, **by)
            return onward
    return _page(request, "keys", 3, run, form=form, existing=existing)


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def token_step(request: HttpRequest, pk: UUID, application: UUID, key_type: KeyType) -> HttpResponse:
    """Step 4: generate an access token."""
    run = run_for(current_user(request), pk, application, key_type)
    if run.first_open < 4 or run.client is None:
        return redirect(run.address(run.first_open))
    client = run.client
    form = TokenForm(sent(request), client=client)
    if request.method == "POST" and form.is_valid():
        fields = {**form.cleaned_data, "actor": current_user(request), "now": timezone.now()}
        if issued := accepted(form, lambda: operations.generate_token(client=client, **fields)):
            onward = redirect(run.address(5))
            wizard.end_run(api=run.api, actor=current_user(request))
            keep_once(request, onward, "token", client, issued.token)
            return onward
    secret = show_once(request, "secret", client)
    return kept_nowhere(_page(request, "token", 4, run, form=form, secret=secret), secret)


@requires(Role.SUBSCRIBER)
@require_safe
def connect_step(request: HttpRequest, pk: UUID, application: UUID, key_type: KeyType) -> HttpResponse:
    """Step 5: the token, once, and everything that is needed to connect with it."""
    run = run_for(current_user(request), pk, application, key_type)
    if run.first_open < 4 or run.client is None:
        return redirect(run.address(run.first_open))
    now = timezone.now()
    token = show_once(request, "token", run.client)
    row = (tokens.find(token, now) if token else None) or queries.active_tokens(run.client, now).first()
    in_url, path = takes_token_in_url(run.api), composing.way_in(topics_of(run.api))
    ws, wss = (f"{base}{path}" for base in (addresses_of(run.api).ws_short, addresses_of(run.api).wss_short))
    given = [run.subscription] if run.subscription else []
    reasons = []
    if row and run.application and run.key_type:
        reasons = diagnosis.reasons(
            api=run.api,
            application=run.application,
            subscription=run.subscription,
            key_type=run.key_type,
            live_tokens=queries.active_tokens(run.client, now).count(),
            denied=queries.conditions_against(run.application, run.api),
        )
    context: dict[str, Any] = {
        "token": token if row else None,
        "row": row,
        **console_of(current_user(request), run.api, given, chosen=str(run.client.pk)),
        "connects": not reasons,
        "ways": snippets.all_ways(ws, wss, token, in_url=in_url) if token else [],
        "reasons": reasons,
        "seconds": round((row.expires - row.created).total_seconds()) if row else None,
    }
    return kept_nowhere(_page(request, "connect", 5, run, **context), token)


def _page(
    request: HttpRequest, name: str, number: int, run: Run, *, form: forms.Form | None = None, **context: Any
) -> HttpResponse:
    failed = bool(form and form.errors)
    given = {
        "api": run.api,
        "run": run,
        "form": form,
        "number": number,
        "back": run.address(number - 1) if number > 1 else "",
        "may_return": 1 < number < 5,
        "steps": steps_of(run, number, failed=failed, seconds=context.get("seconds")),
        **context,
    }
    return render(request, f"devportal/wizard/{name}.html", given, status=status_of(form) if form else 200)


def _application_of(run: Run) -> Application:
    assert run.application is not None  # noqa: S101 - every URL from step 2 on names one
    return run.application
