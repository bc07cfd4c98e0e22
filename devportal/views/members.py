"""With whom an application is shared: add people, say what they may do, remove them; or leave."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from core.text import agree, count, listed
from devportal import memberships, operations, queries
from devportal.forms import MemberForm
from devportal.sharing import ABOUT, GIVEN, Right
from devportal.views.common import rights_in


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def members(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everybody with whom it is shared; its owner adds somebody with POST."""
    user = current_user(request)
    application = queries.application_for(user, pk)
    form = MemberForm(sent(request))
    if request.method == "POST" and form.is_valid():
        fields = {**form.cleaned_data, "actor": user, "now": timezone.now()}
        if made := accepted(form, lambda: operations.add_member(application=application, **fields)):
            about = GIVEN[Right(made.right)].lower()
            messages.success(request, f"{application} is shared with {made.person.username}, who {about}.")
            return redirect("devportal:members", pk)
    makings = memberships.makings_in(application)
    rows = [
        {
            "member": each,
            "is_me": each.person_id == user.pk,
            "ends": _ends(*makings.get(each.person_id, (0, 0)), who="you" if each.person_id == user.pk else "they"),
        }
        for each in memberships.members_of(application)
    ]
    options = [(right.value, label, ABOUT[right]) for right, label in GIVEN.items()]
    context = {"application": application, "form": form, "members": rows, "options": options}
    context |= rights_in(application, user)
    return render(request, "devportal/members/list.html", context, status=status_of(form))


@require_POST
@requires(Role.SUBSCRIBER)
def rights(request: HttpRequest, pk: UUID, member: int) -> HttpResponse:
    """Let a member do more or less."""
    user = current_user(request)
    found, asked = memberships.get_member(queries.application_for(user, pk), member), request.POST.get("right", "")
    right = next((each for each in GIVEN if asked == str(each.value)), Right(found.right))
    operations.change_right(member=found, right=right, actor=user, now=timezone.now())
    messages.success(request, f"{found.person.username} {GIVEN[right].lower()}.")
    return redirect("devportal:members", pk)


@require_POST
@requires(Role.SUBSCRIBER)
def deletions(request: HttpRequest, pk: UUID, member: int) -> HttpResponse:
    """Remove somebody, or leave."""
    user = current_user(request)
    found = memberships.get_member(queries.application_for(user, pk), member)
    operations.remove_member(member=found, actor=user, now=timezone.now())
    if found.person_id == user.pk:
        messages.success(request, f"You have left {found.application}.")
        return redirect("devportal:applications")
    messages.success(request, f"{found.application} is no longer shared with {found.person.username}.")
    return redirect("devportal:members", pk)


def _ends(tokens: int, secrets: int, *, who: str) -> str:
    """What ends with somebody's right, in figures."""
    counted = [count(number, noun) for number, noun in ((tokens, "token"), (secrets, "secret")) if number]
    if not counted:
        return f"No token or secret is known to be of {'yours' if who == 'you' else 'theirs'}, so nothing else ends."
    ends = agree(tokens + secrets, "ends", "end")
    return f"{listed(counted)} that {who} made {ends} too, with the connections on them. Programs then need others."
