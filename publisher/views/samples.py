"""Deploy sample API."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.views.decorators.http import require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.errors import Conflict, Invalid
from publisher import operations, queries
from publisher.lifecycle import State


@require_POST
@requires(Role.CREATOR)
def sample(request: HttpRequest) -> HttpResponse:
    """Make the chat sample, or lead to the one that is there."""
    endpoint = f"ws://localhost:{settings.SAMPLES_PORT}/chat"
    try:
        api, is_new = operations.deploy_sample(endpoint=endpoint, actor=current_user(request), now=now())
    except (Invalid, Conflict) as refusal:
        messages.error(request, str(refusal))
        return redirect("publisher:apis")
    if not is_new:
        messages.info(request, f"{api} is here already.")
    elif api.stage is State.PUBLISHED:
        messages.success(request, f"{api} is published. Subscribe to it in the Developer Portal and talk.")
    elif queries.pending_request_of(api):
        messages.info(request, f"{api} is created. It is published once an administrator has approved that.")
    else:
        messages.success(request, f"{api} is created. Somebody with the publisher role can publish it.")
    return redirect("publisher:api", pk=api.pk)
