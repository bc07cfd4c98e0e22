"""The audit log: who did what, filtered and exported."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import queries
from accounts.access import current_user, requires
from accounts.audit_log import AuditLogFilters, as_csv
from accounts.forms import AuditLogForm
from accounts.roles import Role
from core.downloads import download

PER_PAGE, MOST_EXPORTED = 50, 10_000
KINDS = (
    "api",
    "application",
    "applicationplan",
    "block",
    "category",
    "comment",
    "connection",
    "deny_policy",
    "document",
    "invitation",
    "keys",
    "plan",
    "scope",
    "settings",
    "subscription",
    "token",
    "user",
    "vault",
)


@require_safe
@requires(Role.ADMIN)
def audit_log(request: HttpRequest) -> HttpResponse:
    """What was changed, the newest first; older entries follow by `before`."""
    form = AuditLogForm(request.GET)
    filters = AuditLogFilters(**form.cleaned_data) if form.is_valid() else None
    found = list(queries.audit_log(current_user(request), filters)[: PER_PAGE + 1]) if filters else []
    rows = found[:PER_PAGE]
    context = {"form": form, "rows": rows, "older": rows[-1].pk if len(found) > PER_PAGE else None, "kinds": KINDS}
    return render(request, "accounts/audit_log/list.html", context, status=200 if form.is_valid() else 400)


@require_safe
@requires(Role.ADMIN)
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """The newest entries that the filters let through, as CSV or as JSON Lines."""
    form = AuditLogForm(request.GET)
    filters = AuditLogFilters(**form.cleaned_data) if form.is_valid() else None
    found = queries.audit_log(current_user(request), filters)[:MOST_EXPORTED] if filters else []
    entries = [entry.document() for entry in found]
    if kind == "csv":
        return download("audit-log.csv", "text/csv; charset=utf-8", as_csv(entries).encode())
    lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    return download("audit-log.jsonl", "application/jsonl", lines.encode())
