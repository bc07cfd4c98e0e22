"""Who is subscribed to an API, as the people of the Publisher see it. Mounted under /publisher/."""

from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from core.errors import Conflict, Invalid
from core.searching import asked
from devportal import operations, queries
from devportal.errors import BlockNotFound, SubscriptionNotFound
from devportal.models import KeyType, Subscription
from devportal.permissions import can_manage_subscribers, require_manage_subscribers
from devportal.subscription_states import AWAITING, CHOICES, MAY_BECOME, SubscriptionState
from publisher import impact
from publisher.models import Api
from publisher.queries import get_api_for, plans_named, plans_of

PER_PAGE = 25
MOST_ADDRESSED = 50  # more do not fit into what mail programs take as one address
MOST_BLOCKS = 50
# What a button that leads to a state says; approving is unblocking what was never open.
ACTIONS = {
    SubscriptionState.UNBLOCKED: "Unblock",
    SubscriptionState.PROD_ONLY_BLOCKED: "Block production only",
    SubscriptionState.BLOCKED: "Block all",
    SubscriptionState.REJECTED: "Reject",
}


@require_safe
@requires()
def subscribers(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every subscription to an API; `q` searches, `state` narrows."""
    api = get_api_for(current_user(request), pk)
    typed, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    text, refusal = asked(typed)
    found = queries.all_subscribers(current_user(request), text=text, state=state).filter(api=api)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    live = impact.live_by("application_id", api_id=str(api.pk))
    production = impact.live_by("application_id", api_id=str(api.pk), key_type=KeyType.PRODUCTION)
    rows = []
    for row in page:
        now = SubscriptionState(row.state)
        labels = {**ACTIONS, SubscriptionState.UNBLOCKED: "Approve"} if now in AWAITING else ACTIONS
        closes = {"live": live[str(row.application_id)], "live_production": production[str(row.application_id)]}
        actions = [(each, labels[each], each is not SubscriptionState.UNBLOCKED) for each in MAY_BECOME[now]]
        mail, dialog = _mail_to([row.application.owner.email], api), f"plan-{row.pk}"
        rows.append({"subscription": row, "actions": actions, "plan_dialog": dialog, "mail": mail, **closes})
    may_manage = can_manage_subscribers(current_user(request), api)
    emails = queries.emails_of(found, MOST_ADDRESSED) if may_manage else []
    context = {
        "api": api,
        "waiting": api.subscriptions.filter(state=SubscriptionState.ON_HOLD).count(),
        "emails": emails,
        "mail_to_all": _mail_to(emails, api),
        "page": page,
        "rows": rows,
        "plans": plans_of(api),
        "typed": typed,
        "refusal": refusal,
        "state": state,
        "states": CHOICES,
        "blocks": queries.blocks(current_user(request), api)[:MOST_BLOCKS],
        "blocked": queries.blocks(current_user(request), api).count(),
        "may_manage": may_manage,
    }
    return render(request, "devportal/subscribers/list.html", context, status=400 if refusal else 200)


def _mail_to(emails: list[str], api: Api) -> str:
    """A letter to these, who do not see each other if there are several; nothing without an address."""
    known = [quote(email, safe="@") for email in emails if email]
    if not known:
        return ""
    hidden = f"bcc={','.join(known)}&" if len(known) > 1 else ""
    return f"mailto:{'' if hidden else known[0]}?{hidden}subject={quote(str(api))}"


@require_POST
@requires()
def states(request: HttpRequest, pk: UUID, subscription: UUID) -> HttpResponse:
    """Block, unblock, approve or reject one subscription."""
    row = _managed(request, pk, subscription)
    try:
        operations.set_subscription_state(
            subscription=row, state=request.POST.get("state", ""), actor=current_user(request), now=timezone.now()
        )
        messages.success(request, f"{row.application}: {row.get_state_display().lower()}.")
    except Conflict as refusal:
        messages.error(request, str(refusal))
    return redirect("devportal:subscribers", pk)


@require_POST
@requires()
def plans(request: HttpRequest, pk: UUID, subscription: UUID) -> HttpResponse:
    """Put one subscription under another plan."""
    row, name = _managed(request, pk, subscription), request.POST.get("plan", "")
    try:
        if not name:
            raise Invalid("Choose a plan first. Nothing was changed.")
        (plan,) = plans_named([name])
        operations.change_plan(subscription=row, plan=plan, actor=current_user(request), now=timezone.now())
        messages.success(request, f"{row.application} is under {plan} now.")
    except (Conflict, Invalid) as refusal:
        messages.error(request, str(refusal))
    return redirect("devportal:subscribers", pk)


@require_POST
@requires()
def block_deletions(request: HttpRequest, pk: UUID, block: UUID) -> HttpResponse:
    """Let somebody in again who was blocked."""
    api = get_api_for(current_user(request), pk)
    require_manage_subscribers(current_user(request), api)
    row = queries.block_for(current_user(request), block)
    if row.api_id != api.pk:
        raise BlockNotFound
    operations.lift_block(block=row, actor=current_user(request), now=timezone.now())
    messages.success(request, f"{row.owner.display_name} may call {api} again.")
    return redirect("devportal:subscribers", pk)


def _managed(request: HttpRequest, pk: UUID, subscription: UUID) -> Subscription:
    """The subscription to this very API. Raises ApiNotFound, RoleRequired or SubscriptionNotFound."""
    api: Api = get_api_for(current_user(request), pk)
    require_manage_subscribers(current_user(request), api)
    row = queries.subscriber_for(current_user(request), subscription)
    if row.api_id != api.pk:
        raise SubscriptionNotFound
    return row
