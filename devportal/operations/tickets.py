"""Tickets are made, for people of the portal and for clients at the gateway, and used up. The audit log has neither."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from devportal import tickets, tokens
from devportal.models import OAuthClient, Ticket
from devportal.operations.tokens import generate_token
from devportal.tickets import IssuedTicket, Redeemed, TooManyTickets
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
    """A ticket for somebody signed in to connect to `api` with the keys of `client`, from a page of `origin` if any.

    It stands for a token of its own that nobody sees and that ends after `seconds`, and the connection with it.
    Raises what `generate_token` raises, and TooManyTickets.
    """
    lasts = min(seconds, tokens.life_of(client))
    issued = generate_token(client=client, seconds=lasts, scopes=scopes, actor=actor, now=now)
    return make_ticket(
        token_id=str(issued.row.pk),
        application_id=str(client.application_id),
        api_id=str(api.pk),
        origin=origin,
        now=now,
    )


def make_ticket(*, token_id: str, application_id: str, api_id: str, origin: str, now: datetime) -> IssuedTicket:
    """Make a ticket for the access token with this id. `origin` is empty where no browser asks. Raises TooManyTickets.

    Whoever calls it has checked that the token may call the API: there is no actor here whose right could be asked for.
    """
    expires_at = now + timedelta(seconds=tickets.SECONDS)
    ticket, connection_id = tickets.make(expires_at), uuid.uuid4()
    with transaction.atomic():
        Ticket.objects.filter(expires_at__lte=now).delete()
        if Ticket.objects.filter(application_id=application_id, used_at=None).count() >= tickets.MOST_WAITING:
            raise TooManyTickets(most=tickets.MOST_WAITING)
        Ticket.objects.create(
            digest=tickets.digest(ticket),
            token_id=int(token_id),
            application_id=application_id,
            api_id=api_id,
            origin=origin,
            connection_id=connection_id,
            expires_at=expires_at,
        )
    return IssuedTicket(ticket, connection_id.hex, expires_at)


def redeem_ticket(*, digest: str, now: datetime) -> Redeemed | None:
    """Use a ticket up; None when it is unknown, has run out or was used. Of any number who try, one succeeds."""
    claimed = Ticket.objects.filter(digest=digest, used_at=None, expires_at__gt=now).update(used_at=now)
    if claimed != 1:
        return None
    row = Ticket.objects.get(digest=digest)
    return Redeemed(str(row.token_id), str(row.api_id), row.origin, row.connection_id.hex)
