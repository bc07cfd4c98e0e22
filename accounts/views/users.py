"""Users and roles: the first page of the Administration."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import consequences, operations, queries
from accounts.access import current_user, requires
from accounts.forms import NewUserForm, RolesForm
from accounts.models import User
from accounts.roles import Role, to_tick
from core import one_time_secret
from core.errors import Conflict
from core.forms import accepted, sent, status_of
from core.searching import asked
from core.text import listed

PER_PAGE, LATEST = 25, 8
STATES = ("enabled", "disabled")
HAPPENED = {
    "user.created": "Account made",
    "user.updated": "Name or e-mail changed",
    "user.password_changed": "Password changed",
    "user.password_reset": "One-time password set",
    "user.sessions_ended": "Signed out everywhere",
    "user.second_factor_reset": "Second factor taken away",
    "user.disabled": "Disabled",
    "user.enabled": "Enabled",
}


@require_safe
@requires(Role.ADMIN)
def users(request: HttpRequest) -> HttpResponse:
    """Every account; `q` searches, `role` and `state` narrow."""
    typed, role, state = (request.GET.get(name, "").strip() for name in ("q", "role", "state"))
    text, refusal = asked(typed)
    found = queries.search_users(current_user(request), text=text, role=role, state=state)
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "typed": typed,
        "refusal": refusal,
        "role": role,
        "state": state,
        "roles": list(Role),
        "states": STATES,
    }
    return render(request, "accounts/users/list.html", context, status=400 if refusal else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def create(request: HttpRequest) -> HttpResponse:
    """An account for somebody else, with a one-time password."""
    form = NewUserForm(sent(request))
    if request.method == "POST" and form.is_valid():
        password, actor, now = operations.one_time_password(), current_user(request), timezone.now()
        made = accepted(
            form, lambda: operations.create_user(password=password, **form.cleaned_data, actor=actor, now=now)
        )
        if made:
            return _with_password(request, made, password)
    chosen = form["roles"].value() or ([] if form.is_bound else [Role.SUBSCRIBER])
    context = {"form": form, "choices": to_tick(chosen)}
    return render(request, "accounts/users/create.html", context, status=status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def user(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: who it is, what it may do, what was done to it. POST sets the roles."""
    found = queries.get_user(current_user(request), pk)
    form = RolesForm(sent(request), initial={"roles": list(found.roles), "seen": list(found.roles)})
    if request.method != "POST" or not form.is_valid():
        return _page(request, found, form)
    roles, held = form.cleaned_data["roles"], consequences.of(found)
    if consequences.costs_rights(found.roles, roles) and held.applications and not form.cleaned_data["consented"]:
        return _page(request, found, form, asked=consequences.of_losing_rights(held), status=409)
    actor, now = current_user(request), timezone.now()
    seen = form.cleaned_data["seen"]
    accepted(form, lambda: operations.set_roles(user=found, roles=roles, seen=seen, actor=actor, now=now))
    if form.errors:
        return _page(request, queries.get_user(actor, pk), form)
    names = listed([role.value for role in roles]) or "none"
    messages.success(request, f"The roles of {found.display_name} are now: {names}.")
    return redirect("accounts:user", pk)


@require_POST
@requires(Role.ADMIN)
def states(request: HttpRequest, pk: int) -> HttpResponse:
    """Disable or enable an account."""
    found, active = queries.get_user(current_user(request), pk), request.POST.get("state") == "enabled"
    try:
        operations.set_active(user=found, active=active, actor=current_user(request), now=timezone.now())
        messages.success(request, f"{found.display_name} is {'enabled' if active else 'disabled'} now.")
    except Conflict as refusal:
        messages.error(request, str(refusal))
    return redirect("accounts:user", pk)


@require_POST
@requires(Role.ADMIN)
def password_resets(request: HttpRequest, pk: int) -> HttpResponse:
    """Give somebody a one-time password."""
    found = queries.get_user(current_user(request), pk)
    try:
        password = operations.reset_password(user=found, actor=current_user(request), now=timezone.now())
    except Conflict as refusal:
        messages.error(request, str(refusal))
        return redirect("accounts:user", pk)
    return _with_password(request, found, password)


@require_POST
@requires(Role.ADMIN)
def second_factor_resets(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the second factor away from somebody who has lost it."""
    found = queries.get_user(current_user(request), pk)
    try:
        operations.reset_second_factor(user=found, actor=current_user(request), now=timezone.now())
        messages.success(request, f"{found.display_name} signs in with the password alone until they set another up.")
    except Conflict as refusal:
        messages.error(request, str(refusal))
    return redirect("accounts:user", pk)


@require_POST
@requires(Role.ADMIN)
def sign_outs(request: HttpRequest, pk: int) -> HttpResponse:
    """End every session of somebody."""
    found = queries.get_user(current_user(request), pk)
    operations.end_sessions(user=found, actor=current_user(request), now=timezone.now())
    messages.success(request, f"{found.display_name} is signed out everywhere.")
    return redirect("accounts:user", pk)


def _with_password(request: HttpRequest, of: User, password: str) -> HttpResponse:
    response = redirect("accounts:user", of.pk)
    one_time_secret.seal(request, response, f"password:{of.pk}", password)
    return response


def _page(request: HttpRequest, found: User, form: RolesForm, *, asked: str = "", status: int = 0) -> HttpResponse:
    password = one_time_secret.open_once(request, f"password:{found.pk}") if request.method == "GET" else None
    held, changes = consequences.of(found), []
    for row in queries.changes_of(current_user(request), found)[:LATEST]:
        what = HAPPENED.get(row.verb, row.verb.partition(".")[2].replace("_", " ").capitalize())
        if row.verb == "user.roles_changed":
            before, after = (listed(row.detail.get(key, [])) or "none" for key in ("before", "roles"))
            what = f"Roles changed from {before} to {after}"
        changes.append({"what": what, "who": row.actor_name, "at": row.at})
    context = {
        "person": found,
        "form": form,
        "choices": to_tick(form["roles"].value() or []),
        "seen": [role.value for role in found.roles],
        "asked": asked,
        "held": held,
        "ends": consequences.of_losing_rights(held),
        "stops": consequences.of_shutting_out(held),
        "password": password,
        "is_oneself": found == request.user,
        "has_second_factor": found.has_second_factor,
        "changes": changes,
    }
    page = render(request, "accounts/users/user.html", context, status=status or status_of(form))
    if password:
        add_never_cache_headers(page)
    return page
