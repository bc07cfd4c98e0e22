"""With whom an application is shared: add people, say what they may do, remove them; or leave."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from core.text import listed, spaced
from devportal import memberships, operations, queries
from devportal.forms import MemberForm
from devportal.sharing import ABOUT, GIVEN, Right
from devportal.views.common import rights_in

SHARED = {
    Right.SEE: gettext_noop("%(application)s is shared with %(person)s, who may see it."),
    Right.KEYS: gettext_noop("%(application)s is shared with %(person)s, who may use its keys."),
    Right.MANAGE: gettext_noop("%(application)s is shared with %(person)s, who may manage it."),
}
MAY = {
    Right.SEE: gettext_noop("%(person)s may see it."),
    Right.KEYS: gettext_noop("%(person)s may use its keys."),
    Right.MANAGE: gettext_noop("%(person)s may manage it."),
}


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
            about = {"application": application, "person": made.person.username}
            messages.success(request, _(SHARED[Right(made.right)]) % about)
            return redirect("devportal:members", pk)
    makings = memberships.makings_in(application)
    rows = [
        {
            "member": each,
            "is_me": each.person_id == user.pk,
            "ends": _ends(*makings.get(each.person_id, (0, 0)), of_viewer=each.person_id == user.pk),
        }
        for each in memberships.members_of(application)
    ]
    options = [(right.value, _(label), _(ABOUT[right])) for right, label in GIVEN.items()]
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
    messages.success(request, _(MAY[right]) % {"person": found.person.username})
    return redirect("devportal:members", pk)


@require_POST
@requires(Role.SUBSCRIBER)
def deletions(request: HttpRequest, pk: UUID, member: int) -> HttpResponse:
    """Remove somebody, or leave."""
    user = current_user(request)
    found = memberships.get_member(queries.application_for(user, pk), member)
    operations.remove_member(member=found, actor=user, now=timezone.now())
    if found.person_id == user.pk:
        messages.success(request, _("You have left %(application)s.") % {"application": found.application})
        return redirect("devportal:applications")
    about = {"application": found.application, "person": found.person.username}
    messages.success(request, _("%(application)s is no longer shared with %(person)s.") % about)
    return redirect("devportal:members", pk)


def _ends(tokens: int, secrets: int, *, of_viewer: bool) -> str:
    """What ends with somebody's right, in figures."""
    counted = []
    if tokens:
        counted.append(ngettext("%(number)s token", "%(number)s tokens", tokens) % {"number": spaced(tokens)})
    if secrets:
        counted.append(ngettext("%(number)s secret", "%(number)s secrets", secrets) % {"number": spaced(secrets)})
    if not counted:
        if of_viewer:
            return _("No token or secret is known to be of yours, so nothing else ends.")
        return _("No token or secret is known to be of theirs, so nothing else ends.")
    sentence = ngettext(
        "%(made)s that they made ends too, with the connections on them. Programs then need others.",
        "%(made)s that they made end too, with the connections on them. Programs then need others.",
        tokens + secrets,
    )
    if of_viewer:
        sentence = ngettext(
            "%(made)s that you made ends too, with the connections on them. Programs then need others.",
            "%(made)s that you made end too, with the connections on them. Programs then need others.",
            tokens + secrets,
        )
    return sentence % {"made": listed(counted)}
