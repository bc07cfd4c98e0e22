"""Service accounts, a page of the Administration: who they are, and a new one with its secret, shown once."""

from __future__ import annotations

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from devportal import queries
from devportal.admin_forms import ServiceAccountForm
from devportal.models import OAuthClient
from devportal.operations import service_accounts as operations
from devportal.views.common import keep_once, kept_nowhere, show_once

PER_PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def service_accounts(request: HttpRequest) -> HttpResponse:
    """Every service account; POST makes one, and its page shows the secret once."""
    form, made = ServiceAccountForm(sent(request)), None
    if request.method == "POST" and form.is_valid():
        given, actor, now = form.cleaned_data, current_user(request), timezone.now()
        made = accepted(form, lambda: operations.create_service_account(**given, actor=actor, now=now))
    if made:
        return _with_secret(request, made.client, made.secret)
    page = Paginator(queries.service_clients(), PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page}
    return render(request, "devportal/service_accounts/list.html", context, status=status_of(form))


@require_http_methods(["GET", "HEAD"])
@requires(Role.ADMIN)
def service_account(request: HttpRequest, pk: int) -> HttpResponse:
    """One service account, with its new secret if there is one to be shown."""
    client = queries.service_client(pk)
    secret = show_once(request, "service", client)
    context = {"client": client, "secret": secret, "token_url": f"{settings.PORTAL_URL}/oauth2/token"}
    page = render(request, "devportal/service_accounts/account.html", context)
    return kept_nowhere(page, secret)


@require_POST
@requires(Role.ADMIN)
def secrets(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret in place of the one before."""
    client = queries.service_client(pk)
    secret = operations.renew_secret(client=client, actor=current_user(request), now=timezone.now())
    return _with_secret(request, client, secret)


def _with_secret(request: HttpRequest, client: OAuthClient, secret: str) -> HttpResponse:
    response = redirect("devportal-admin:service-account", client.pk)
    keep_once(request, response, "service", client, secret)
    return response
