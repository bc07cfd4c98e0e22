"""Access tokens by hand: generate one, revoke one."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted
from core.text import spaced
from devportal import operations, queries
from devportal.errors import TokenNotFound
from devportal.forms import TokenForm
from devportal.models import KeyType
from devportal.views.common import keep_once
from devportal.views.keys import page


@require_POST
@requires(Role.SUBSCRIBER)
def tokens(request: HttpRequest, pk: UUID, key_type: KeyType) -> HttpResponse:
    """Generate a token; the page of the keys then shows it once."""
    client = queries.client_for(current_user(request), pk, key_type)
    form = TokenForm(request.POST, client=client)
    issued = None
    if form.is_valid():
        issued = accepted(
            form,
            lambda: operations.generate_token(
                client=client, **form.cleaned_data, actor=current_user(request), now=timezone.now()
            ),
        )
    if issued is None:
        return page(request, queries.application_for(current_user(request), pk), key_type, client, token_form=form)
    response = redirect("devportal:keys", pk, key_type)
    keep_once(request, response, "token", client, issued.token)
    return response


@require_POST
@requires(Role.SUBSCRIBER)
def revocations(request: HttpRequest, pk: UUID, key_type: KeyType, token: int) -> HttpResponse:
    """Revoke a token."""
    client = queries.client_for(current_user(request), pk, key_type)
    row = queries.token_for(current_user(request), token)
    if row.application_id != client.pk:
        raise TokenNotFound
    operations.revoke_token(row=row, actor=current_user(request), now=timezone.now())
    messages.success(request, _("The token was revoked. Connections that it opened are being closed."))
    return redirect("devportal:keys", pk, key_type)


@require_POST
@requires(Role.SUBSCRIBER)
def revocations_of_all(request: HttpRequest, pk: UUID, key_type: KeyType) -> HttpResponse:
    """Revoke every token of these keys."""
    client = queries.client_for(current_user(request), pk, key_type)
    ended = operations.revoke_tokens_of(client=client, actor=current_user(request), now=timezone.now())
    sentence = ngettext(
        "%(number)s token revoked. Connections that they opened are being closed.",
        "%(number)s tokens revoked. Connections that they opened are being closed.",
        ended,
    )
    messages.success(request, sentence % {"number": spaced(ended)})
    return redirect("devportal:keys", pk, key_type)
