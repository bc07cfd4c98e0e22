"""The sessions of one's own account: seen, ended one by one, or all but this one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import agents, operations, queries
from accounts.access import current_user, requires
from accounts.portals import Portal
from accounts.sessions import at_rest
from accounts.views.arrivals import note

MOST_SHOWN = 50


@require_safe
@requires()
def sign_ins(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Where somebody is signed in, this session first."""
    mine = at_rest(str(request.session.session_key))
    rows = [
        {"row": row, "agent": agents.in_words(row.agent), "is_this": row.session == mine}
        for row in queries.sign_ins_of(current_user(request))[:MOST_SHOWN]
    ]
    context = {"rows": sorted(rows, key=lambda row: not row["is_this"])}
    return render(request, "accounts/sign_ins/list.html", context)


@require_POST
@requires()
def ends(request: HttpRequest, portal: Portal, session: str) -> HttpResponse:
    """End one session."""
    operations.end_sign_in(user=current_user(request), session=session, now=timezone.now())
    messages.success(request, _("The session has ended."))
    return redirect("accounts:sign-ins", portal)


@require_POST
@requires()
def ends_of_others(request: HttpRequest, portal: Portal) -> HttpResponse:
    """End all but this one."""
    user = current_user(request)
    operations.end_other_sign_ins(user=user, now=timezone.now())
    update_session_auth_hash(request, user)
    note(request, user)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("accounts:sign-ins", portal)
