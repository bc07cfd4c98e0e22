"""The keys of an application, of one type: generate, change, replace the secret."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.durations import in_words
from core.errors import Conflict, Invalid
from core.forms import accepted, reopened, sent, status_of
from devportal import operations, queries, token_use
from devportal.forms import KeysForm, MappingForm, TokenForm
from devportal.grant_commands import GrantCommand, commands
from devportal.models import Application, KeyType, OAuthClient
from devportal.operations.secrets import DAY, OVERLAPS
from devportal.permissions import require_use_application
from devportal.sharing import Right
from devportal.views.common import keep_once, kept_nowhere, rights_in, show_once
from publisher import impact

TOKENS_A_PAGE = 20
MOST_DIGITS = 6


@requires(Role.SUBSCRIBER)
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest, pk: UUID, key_type: KeyType) -> HttpResponse:
    """The keys of one type; with POST generate them, or change what they may do."""
    application = queries.application_for(current_user(request), pk)
    require_use_application(current_user(request), application, Right.KEYS)
    client = queries.keys_of(application, key_type)
    form = KeysForm(sent(request), client=client)
    if request.method == "POST" and form.is_valid():
        fields, actor, now = form.cleaned_data, current_user(request), timezone.now()
        back = redirect("devportal:keys", pk, key_type)
        if client:
            if accepted(form, lambda: operations.update_keys(client=client, **fields, actor=actor, now=now)):
                messages.success(request, _("The keys were saved. Tokens that exist already are as they were."))
                return back
        elif made := accepted(
            form,
            lambda: operations.generate_keys(
                application=application, key_type=key_type, **fields, actor=actor, now=now
            ),
        ):
            keep_once(request, back, "secret", made.client, made.secret)
            return back
    return page(request, application, key_type, client, form=form)


@require_POST
@requires(Role.SUBSCRIBER)
def mappings(request: HttpRequest, pk: UUID, key_type: KeyType) -> HttpResponse:
    """Make a client that was registered before the keys of this type."""
    user = current_user(request)
    application, form = queries.application_for(user, pk), MappingForm(request.POST)
    if form.is_valid():
        fields = {**form.cleaned_data, "key_type": key_type, "actor": user, "now": timezone.now()}
        if accepted(form, lambda: operations.map_keys(application=application, **fields)):
            about = {"keys": key_type.keys, "application": application}
            messages.success(request, _("The client has become the %(keys)s of %(application)s.") % about)
            return redirect("devportal:keys", pk, key_type)
    return page(request, application, key_type, queries.keys_of(application, key_type), mapping_form=form)


@require_POST
@requires(Role.SUBSCRIBER)
def secrets(request: HttpRequest, pk: UUID, key_type: KeyType) -> HttpResponse:
    """A new consumer secret in place of the old one, which may work for a while longer."""
    client = queries.client_for(current_user(request), pk, key_type)
    revoke, asked = "revoke_tokens" in request.POST, request.POST.get("overlap", "0")
    overlap = int(asked) if asked in {str(each) for each in OVERLAPS} else 0
    response = redirect("devportal:keys", pk, key_type)
    try:
        secret = operations.regenerate_secret(
            client=client, revoke_tokens=revoke, overlap=overlap, actor=current_user(request), now=timezone.now()
        )
    except Conflict as refusal:
        messages.error(request, str(refusal))
        return response
    sentence = _("The consumer secret was regenerated; the old one no longer works.")
    if overlap:
        lasts = {"time": in_words(overlap)}
        sentence = _("The consumer secret was regenerated; the old one works for %(time)s more.") % lasts
    ended = _("All tokens of these keys were revoked.") if revoke else ""
    messages.success(request, f"{sentence} {ended}".strip())
    keep_once(request, response, "secret", client, secret)
    return response


@require_POST
@requires(Role.SUBSCRIBER)
def further_secrets(request: HttpRequest, pk: UUID, key_type: KeyType) -> HttpResponse:
    """Another secret beside those that are there."""
    client = queries.client_for(current_user(request), pk, key_type)
    response, days = redirect("devportal:keys", pk, key_type), request.POST.get("days", "").strip()
    try:
        if days and not (days.isdecimal() and len(days) < MOST_DIGITS):
            raise Invalid(_("Write the days as a whole number, or leave them empty. Nothing was made."))
        secret = operations.add_secret(
            client=client,
            name=request.POST.get("name", ""),
            seconds=int(days) * DAY if days else None,
            actor=current_user(request),
            now=timezone.now(),
        )[0]
    except (Conflict, Invalid) as refusal:
        messages.error(request, str(refusal))
        return response
    keep_once(request, response, "secret", client, secret)
    return response


@require_POST
@requires(Role.SUBSCRIBER)
def secret_ends(request: HttpRequest, pk: UUID, key_type: KeyType, secret: int) -> HttpResponse:
    """End one of the further secrets."""
    client = queries.client_for(current_user(request), pk, key_type)
    operations.end_secret(client=client, pk=secret, actor=current_user(request), now=timezone.now())
    messages.success(request, _("The secret has ended. Tokens that were asked for with it stay."))
    return redirect("devportal:keys", pk, key_type)


def page(
    request: HttpRequest,
    application: Application,
    key_type: KeyType,
    client: OAuthClient | None,
    *,
    form: KeysForm | None = None,
    token_form: TokenForm | None = None,
    mapping_form: MappingForm | None = None,
) -> HttpResponse:
    """The page of one type of keys, with whatever form failed on it."""
    keys_form = form or KeysForm(client=client)
    tokens_form = token_form or (TokenForm(reopened(request, "new-token"), client=client) if client else None)
    listed, used, asking = None, {}, list[GrantCommand]()
    if client:
        callback = (client.redirect_uris.split() or [""])[0]
        grants, client_id = client.grant_types, client.client_id
        asking = commands(grants=grants, portal=settings.PORTAL_URL, client_id=client_id, callback=callback)
        active = queries.active_tokens(client, timezone.now())
        listed = Paginator(active, TOKENS_A_PAGE).get_page(request.GET.get("page"))
        known = token_use.last_used(row.pk for row in listed)
        # A connection that was given the token when it was open already may be older than the token.
        used = {str(row.pk): max(known[str(row.pk)], row.created) for row in listed if str(row.pk) in known}
    live = impact.live_by("token_id", application_id=str(application.pk), key_type=key_type)
    context: dict[str, Any] = {
        "application": application,
        "key_type": key_type,
        "client": client,
        "form": keys_form,
        "token_form": tokens_form,
        "mapping_form": mapping_form or MappingForm(),
        "secrets": queries.secrets_of(client, timezone.now()) if client else [],
        "overlaps": [(seconds, _(words)) for seconds, words in OVERLAPS.items()],
        "commands": asking,
        "secret": show_once(request, "secret", client),
        "token": show_once(request, "token", client),
        "tokens": listed,
        "used": used,
        "live": live,
        "live_in_all": sum(live.values()),
        **rights_in(application, current_user(request)),
    }
    status = max(status_of(each) for each in (keys_form, tokens_form, mapping_form) if each)
    answer = render(request, "devportal/keys/keys.html", context, status=status)
    return kept_nowhere(answer, context["secret"], context["token"])
