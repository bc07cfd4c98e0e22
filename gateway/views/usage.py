"""What is used of plans and what a month came to: of one's own application, and of an API's subscribers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core import database_clock
from devportal.queries import all_subscribers, application_for, names_of_applications, subscriptions_of
from gateway.models import MonthlyStatement
from gateway.quotas.stores import unreachable
from gateway.statistics import usage
from gateway.views.csv_answer import csv_answer
from publisher.queries import get_api_for, names_of_apis

PER_PAGE = 25
MOST_STATEMENTS = 500


@require_safe
@requires(Role.SUBSCRIBER)
def application_usage(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What one's own application has used of each plan."""
    application = application_for(current_user(request), pk)
    rows, which = subscriptions_of(application), Q(application_id=str(application.pk))
    layout = "devportal/applications/layout.html"
    return _page(request, rows, which, layout=layout, application=application)


@require_safe
@requires()
def api_usage(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the subscribers of an API have used, the nearest to their limit first on each page."""
    api = get_api_for(current_user(request), pk)
    rows = all_subscribers(current_user(request)).filter(api=api)
    return _page(request, rows, Q(api_id=str(api.pk)), layout="layouts/publisher_api.html", api=api)


def _page(request: HttpRequest, subscriptions: Any, which: Q, **context: Any) -> HttpResponse:
    statements = MonthlyStatement.objects.filter(which).order_by("-month", "application_name", "api_name")
    if request.GET.get("format") == "csv":
        columns = ("month", "application_id", "application_name", "api_id", "api_name", *usage.BILLED)
        frozen = statements.values_list(*columns, "frozen_at")[:MOST_STATEMENTS]
        named = ["month", "application_id", "application", "api_id", "api", *usage.BILLED, "frozen_at"]
        return csv_answer("statements", named, ([*row, at.isoformat()] for *row, at in frozen))
    now = database_clock.now()
    page = Paginator(subscriptions, PER_PAGE).get_page(request.GET.get("page"))
    shared, rows = None, []
    try:
        rows = usage.usages_now(list(page.object_list), now)
        shared = usage.shared_quota(context["application"], now).quota if "application" in context else None
    except unreachable():
        pass
    so_far = usage.sums_of_month(now, which)
    whose = "application" if "api" in context else "api"
    names = (names_of_applications if "api" in context else names_of_apis)({row[f"{whose}_id"] for row in so_far})
    everywhere = {
        "page": page,
        "rows": rows,
        "shared": shared,
        "this_month": _("%(month)s so far") % {"month": date_format(now, "F Y")},
        "so_far": [(names.get(row[f"{whose}_id"], _("deleted")), row) for row in so_far],
        "statements": [(getattr(row, f"{whose}_name"), row) for row in statements[:MOST_STATEMENTS]],
    }
    return render(request, "gateway/usage/page.html", {**everywhere, **context})
