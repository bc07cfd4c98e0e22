"""Applications: the list, one of them, and what can be done to it."""

from collections.abc import Collection
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core.errors import Conflict, Invalid
from core.forms import Meanwhile, accepted, sent, status_of
from core.searching import asked
from core.text import spaced
from devportal import operations, queries
from devportal.attribute_reads import answered
from devportal.forms import ApplicationForm
from devportal.models import KeyType
from devportal.permissions import require_use_application
from devportal.subscription_states import BLOCKING, SubscriptionState
from devportal.views.common import rights_in
from publisher import impact
from publisher.lifecycle import SERVED, SUBSCRIBABLE

PER_PAGE = 25


@require_safe
@requires(Role.SUBSCRIBER)
def applications(request: HttpRequest) -> HttpResponse:
    """The viewer's applications; `q` searches."""
    typed = request.GET.get("q", "").strip()
    text, refusal = asked(typed)
    found = queries.applications_of(current_user(request), text=text).prefetch_related("clients")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "typed": typed, "refusal": refusal}
    return render(request, "devportal/applications/list.html", context, status=400 if refusal else 200)


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """A new application."""
    form = ApplicationForm(sent(request))
    if request.method == "POST" and form.is_valid():
        made = accepted(
            form,
            lambda: operations.create_application(**form.cleaned_data, actor=current_user(request), now=timezone.now()),
        )
        if made:
            messages.success(request, _("%(name)s was created. Next: subscribe it to an API.") % {"name": made})
            return redirect("devportal:application", made.pk)
    return render(request, "devportal/applications/create.html", {"form": form}, status=status_of(form))


@require_safe
@requires(Role.SUBSCRIBER)
def application(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One application: what it is, what it is subscribed to, and which keys it has."""
    found = queries.application_for(current_user(request), pk)
    live = impact.live_by("api_id", application_id=str(found.pk))
    rows = found.subscriptions.select_related("api__provider", "plan").prefetch_related("api__plans")
    wrong_first = Case(When(state=SubscriptionState.UNBLOCKED.value, then=1), default=0)
    rows = rows.order_by(wrong_first, "api__name", "api__version")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    subscriptions = [
        {
            "subscription": each,
            "is_visible": each.api.stage in SERVED,
            "is_open": each.api.stage in SUBSCRIBABLE,
            "is_blocked": each.state in BLOCKING,
            "other_plans": [plan for plan in each.api.plans.all() if plan != each.plan],
            "live": live[str(each.api_id)],
        }
        for each in page
    ]
    clients = {client.key_type: client for client in found.clients.all()}
    live_tokens = queries.count_active_tokens(found, timezone.now())
    context = {
        "application": found,
        "subscriptions": subscriptions,
        "page": page,
        "live": sum(live.values()),
        "keys": [(key_type, clients.get(key_type)) for key_type in KeyType],
        "deletion": _deletion(page.paginator.count, clients, live_tokens),
        "attributes": answered(found, is_hidden=False).items(),
        "live_tokens": live_tokens,
        **rights_in(found, current_user(request)),
    }
    return render(request, "devportal/applications/overview.html", context)


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What can be changed about an application."""
    found = queries.application_for(current_user(request), pk)
    require_use_application(current_user(request), found)
    known = {"name": found.name, "description": found.description, "token_type": found.token_type}
    form = ApplicationForm(sent(request), initial={**known, "plan": found.plan.name, "attributes": found.attributes})
    meanwhile = Meanwhile(form, {**known, "plan": found.plan})
    if request.method == "POST" and form.is_valid() and meanwhile.settle():
        fields = form.cleaned_data
        fields["attributes"] |= answered(found, is_hidden=True)
        changed = accepted(
            form,
            lambda: operations.update_application(
                application=found, **fields, actor=current_user(request), now=timezone.now()
            ),
        )
        if changed:
            messages.success(request, _("%(name)s was saved.") % {"name": changed})
            return redirect("devportal:application", pk)
    context = {
        "form": form,
        "meanwhile": meanwhile,
        "application": found,
        **rights_in(found, current_user(request)),
    }
    return render(request, "devportal/applications/edit.html", context, status=status_of(form))


@require_POST
@requires(Role.SUBSCRIBER)
def deletions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete an application; its name has to be typed, for nothing brings it back."""
    found = queries.application_for(current_user(request), pk)
    if request.POST.get("confirmation", "").strip() != found.name:
        sentence = _("Nothing was deleted: type %(name)s exactly as it stands here to confirm.")
        messages.error(request, sentence % {"name": found.name})
        return redirect("devportal:application", pk)
    operations.delete_application(application=found, actor=current_user(request), now=timezone.now())
    messages.success(request, _("%(name)s was deleted with its subscriptions, keys and tokens.") % {"name": found})
    return redirect("devportal:applications")


@require_POST
@requires(Role.SUBSCRIBER)
def transfers(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give an application to somebody else."""
    found, to = queries.application_for(current_user(request), pk), request.POST.get("to", "")
    try:
        given = operations.transfer_application(
            application=found, to=to, actor=current_user(request), now=timezone.now()
        )
    except (Conflict, Invalid) as refusal:
        messages.error(request, _("%(refusal)s Nothing was changed.") % {"refusal": refusal})
        return redirect("devportal:application", pk)
    about = {"name": given, "person": given.owner.username}
    messages.success(request, _("%(name)s belongs to %(person)s now, who has been told.") % about)
    return redirect("devportal:applications")


def _deletion(subscriptions: int, key_types: Collection[str], tokens: int) -> str:
    """What goes with an application that is deleted, in figures."""
    keys = {
        (): _("no keys"),
        (KeyType.PRODUCTION,): _("the production keys"),
        (KeyType.SANDBOX,): _("the sandbox keys"),
        (KeyType.PRODUCTION, KeyType.SANDBOX): _("the production and sandbox keys"),
    }
    deleted = ngettext("%(number)s subscription", "%(number)s subscriptions", subscriptions)
    ended = ngettext("%(number)s active token", "%(number)s active tokens", tokens)
    return _("This deletes %(subscriptions)s and %(keys)s, and ends %(tokens)s.") % {
        "subscriptions": deleted % {"number": spaced(subscriptions)},
        "keys": keys[tuple(each for each in KeyType if each in key_types)],
        "tokens": ended % {"number": spaced(tokens)},
    }
