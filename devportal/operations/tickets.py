"""Tickets for people: the portal's session takes the place of a token."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts.models import User
from devportal import tickets
from devportal.models import OAuthClient
from devportal.operations.tokens import generate_token
from devportal.tickets import IssuedTicket
from publisher.models import Api

CONNECTION_SECONDS = 15 * 60


@transaction.atomic
def issue_ticket(
    *,
    client: OAuthClient,
    api: Api,
    actor: User,
    now: datetime,
    origin: str = "",
    scopes: Iterable[str] = (),
    seconds: int = CONNECTION_SECONDS,
) -> IssuedTicket:
    """A ticket to connect to `api` with the keys of `client`, from a page of `origin` (empty: from no browser).

    It stands for a token of its own that nobody sees and that ends after `seconds`, and the connection with it.
    Raises what `generate_token` raises, and TooManyTickets.
    """
    lasts = min(seconds, client.token_seconds)
    issued = generate_token(client=client, seconds=lasts, scopes=scopes, actor=actor, now=now)
    return tickets.issue(
        token_id=str(issued.row.pk),
        application_id=str(client.application_id),
        api_id=str(api.pk),
        origin=origin,
        now=now,
    )
