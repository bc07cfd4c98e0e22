"""Business plans and application plans, pages of the Administration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core.errors import Conflict, Invalid
from core.forms import accepted, sent, status_of
from devportal import operations, queries
from devportal.admin_forms import ApplicationPlanForm, BusinessPlanForm
from devportal.models import Subscription
from publisher import operations as publishing
from publisher.models import Api
from publisher.plan_effect import effects
from publisher.plan_validation import CLEANERS, DEFAULTS, clean_plan
from publisher.queries import all_plans, get_plan

NO_QUOTA = {"quota_unit", "quota_period"}


@require_safe
@requires(Role.ADMIN)
def plans(request: HttpRequest) -> HttpResponse:
    """Every business plan, with what is offered under it and who has it."""
    through: Any = Api.plans.through
    offered = through.objects.filter(plan=OuterRef("pk")).values("plan").annotate(number=Count("pk"))
    held = Subscription.objects.filter(plan=OuterRef("pk")).order_by().values("plan").annotate(number=Count("pk"))
    found = all_plans().annotate(  # each counted by itself: joined, every API would be counted for every subscription
        api_count=Coalesce(Subquery(offered.values("number")), 0),
        subscriber_count=Coalesce(Subquery(held.values("number")), 0),
    )
    return render(request, "devportal/plans/list.html", {"plans": found})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def create(request: HttpRequest) -> HttpResponse:
    """A new business plan."""
    form = BusinessPlanForm(sent(request), initial={**DEFAULTS, "quota_period": "day"})
    return _save(
        request,
        form,
        lambda **by: publishing.create_plan(fields=fields_of(form), **by),
        "devportal/plans/form.html",
        {"effects": effects(clean_plan({"name": "New"})), "to": "devportal-admin:plans"},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def plan(request: HttpRequest, name: str) -> HttpResponse:
    """One business plan to change."""
    found = get_plan(name)
    initial = {name: getattr(found, name) for name in BusinessPlanForm.base_fields}
    form = BusinessPlanForm(sent(request), initial=initial)
    form.keep_name(found.name)
    context = {
        "plan": found,
        "effects": effects({field: getattr(found, field) for field in (*CLEANERS, *NO_QUOTA)}),
        "api_count": found.apis.count(),
        "subscriber_count": found.subscriptions.count(),
        "to": "devportal-admin:plans",
    }
    return _save(
        request,
        form,
        lambda **by: publishing.update_plan(plan=found, changes=fields_of(form), **by),
        "devportal/plans/form.html",
        context,
    )


@require_POST
@requires(Role.ADMIN)
def previews(request: HttpRequest) -> HttpResponse:
    """What a business plan would do, while it is typed."""
    form, said, problem = BusinessPlanForm(request.POST), [], ""
    if form.is_valid() or not set(form.errors) - {"name"}:
        try:
            said = effects(clean_plan({**fields_of(form), "name": "Typed"}))
        except Invalid as refusal:
            problem = str(refusal)
    else:
        problem = " ".join(str(errors[0]) for errors in form.errors.values())
    return render(request, "devportal/plans/effects.html", {"effects": said, "problem": problem})


@require_POST
@requires(Role.ADMIN)
def deletions(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a business plan that nothing uses."""
    found = get_plan(name)
    return _delete(
        request,
        found,
        lambda **by: publishing.delete_plan(plan=found, **by),
        "devportal-admin:plan",
        "devportal-admin:plans",
    )


@require_safe
@requires(Role.ADMIN)
def application_plans(request: HttpRequest) -> HttpResponse:
    """Every application plan, with how many applications have it."""
    found = queries.application_plans().annotate(application_count=Count("applications"))
    return render(request, "devportal/plans/application_list.html", {"plans": found})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def application_create(request: HttpRequest) -> HttpResponse:
    """A new application plan."""
    form = ApplicationPlanForm(sent(request))
    return _save(
        request,
        form,
        lambda **by: operations.create_application_plan(fields=form.cleaned_data, **by),
        "devportal/plans/application_form.html",
        {"to": "devportal-admin:application-plans"},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def application_plan(request: HttpRequest, name: str) -> HttpResponse:
    """One application plan to change."""
    found = queries.get_application_plan(name)
    known = {"display_name": found.display_name, "description": found.description, "per_minute": found.per_minute}
    form = ApplicationPlanForm(sent(request), initial=known)
    form.keep_name(found.name)
    return _save(
        request,
        form,
        lambda **by: operations.update_application_plan(plan=found, changes=form.cleaned_data, **by),
        "devportal/plans/application_form.html",
        {"plan": found, "application_count": found.applications.count(), "to": "devportal-admin:application-plans"},
    )


@require_POST
@requires(Role.ADMIN)
def application_deletions(request: HttpRequest, name: str) -> HttpResponse:
    """Delete an application plan that no application has."""
    found = queries.get_application_plan(name)
    return _delete(
        request,
        found,
        lambda **by: operations.delete_application_plan(plan=found, **by),
        "devportal-admin:application-plan",
        "devportal-admin:application-plans",
    )


def fields_of(form: BusinessPlanForm) -> dict[str, Any]:
    """The fields as the operation takes them; without a quota nothing is said of its unit and period."""
    given = form.cleaned_data
    return {name: value for name, value in given.items() if given.get("quota") is not None or name not in NO_QUOTA}


def _save(
    request: HttpRequest, form: Any, operation: Callable[..., Any], template: str, context: dict[str, Any]
) -> HttpResponse:
    """The page of a plan's form; with POST save it and go back to the list."""
    if request.method == "POST" and form.is_valid():
        by = {"actor": current_user(request), "now": timezone.now()}
        if saved := accepted(form, lambda: operation(**by)):
            messages.success(request, f"{saved} is saved. It acts on open connections within a second.")
            return redirect(context["to"])
    return render(request, template, {"form": form, **context}, status=status_of(form))


def _delete(request: HttpRequest, found: Any, operation: Callable[..., None], page: str, to: str) -> HttpResponse:
    try:
        operation(actor=current_user(request), now=timezone.now())
    except Conflict as refusal:
        messages.error(request, str(refusal))
        return redirect(page, found.name)
    messages.success(request, f"{found} is deleted.")
    return redirect(to)
