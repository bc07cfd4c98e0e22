"""Subscriptions as their owner sees them: add one, change its plan, end it."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from core.searching import asked
from devportal import operations, queries
from devportal.forms import PlanForm
from devportal.models import Subscription
from devportal.permissions import require_use_application
from devportal.subscription_states import BLOCKING, REASONS, SubscriptionState
from publisher.lifecycle import SUBSCRIBABLE

PER_PAGE = 20


@require_safe
@requires(Role.SUBSCRIBER)
def choose_api(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The APIs that an application is not subscribed to yet; `q` searches."""
    application = queries.application_for(current_user(request), pk)
    require_use_application(current_user(request), application)
    typed = request.GET.get("q", "").strip()
    text, refusal = asked(typed)
    apis = queries.catalogue_for(current_user(request), text=text).exclude(subscriptions__application=application)
    apis = apis.filter(state__in=[state.value for state in SUBSCRIBABLE])
    page = Paginator(apis, PER_PAGE).get_page(request.GET.get("page"))
    context = {"application": application, "page": page, "typed": typed, "refusal": refusal}
    return render(request, "devportal/subscriptions/choose_api.html", context, status=400 if refusal else 200)


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, pk: UUID, api: UUID) -> HttpResponse:
    """Subscribe an application to an API: choose the plan."""
    application = queries.application_for(current_user(request), pk)
    require_use_application(current_user(request), application)
    found = queries.api_for(current_user(request), api)
    form = PlanForm(sent(request), api=found, viewer=current_user(request))
    if request.method == "POST" and form.is_valid():
        plan = form.cleaned_data["plan"]
        made = accepted(
            form,
            lambda: operations.subscribe(
                application=application, api=found, plan=plan, actor=current_user(request), now=timezone.now()
            ),
        )
        if made:
            messages.success(request, _welcome(made))
            return redirect("devportal:application", pk)
    context = {"application": application, "api": found, "form": form}
    return render(request, "devportal/subscriptions/create.html", context, status=status_of(form))


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a subscription under another plan."""
    subscription = queries.subscription_for(current_user(request), pk)
    require_use_application(current_user(request), subscription.application)
    api = subscription.api
    form = PlanForm(sent(request), api=api, viewer=current_user(request), current=subscription.plan)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data["plan"]
        changed = accepted(
            form,
            lambda: operations.change_plan(
                subscription=subscription, plan=chosen, actor=current_user(request), now=timezone.now()
            ),
        )
        if changed:
            messages.success(request, _welcome(changed))
            return redirect("devportal:application", changed.application_id)
    context = {"subscription": subscription, "application": subscription.application, "api": api, "form": form}
    return render(request, "devportal/subscriptions/plan.html", context, status=status_of(form))


@require_POST
@requires(Role.SUBSCRIBER)
def deletions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a subscription."""
    subscription = queries.subscription_for(current_user(request), pk)
    application, api = subscription.application, subscription.api
    operations.unsubscribe(subscription=subscription, actor=current_user(request), now=timezone.now())
    about = {"application": application, "api": api}
    messages.success(request, _("%(application)s is no longer subscribed to %(api)s.") % about)
    return redirect("devportal:application", application.pk)


def _welcome(subscription: Subscription) -> str:
    about = {"application": subscription.application, "api": subscription.api, "plan": subscription.plan}
    sentence = _("%(application)s is subscribed to %(api)s under %(plan)s.") % about
    if subscription.state == SubscriptionState.ON_HOLD:
        return f"{sentence} {REASONS[SubscriptionState.ON_HOLD]}"
    if subscription.state in BLOCKING:
        return f"{sentence} {subscription.reason}"
    return sentence
