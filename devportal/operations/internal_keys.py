"""Keys with which the people of an API try it out, before anybody may subscribe."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from core import rows
from core.errors import Conflict
from devportal import grants, internal_keys, tokens
from devportal.bootstrap import DEFAULT_APPLICATION_PLAN
from devportal.models import Application, ApplicationPlan, OAuthClient
from devportal.operations.keys import put_terms
from devportal.operations.tickets import make_ticket
from devportal.operations.tokens import issue_token
from devportal.tickets import IssuedTicket
from devportal.tokens import IssuedToken
from publisher import snapshots
from publisher.models import Api
from publisher.permissions import require_try

NAME = "Try out in the Publisher"


class NothingDeployed(Conflict):
    """There is nothing on the gateway that a key could be for."""


@transaction.atomic
def issue_internal_key(*, api: Api, key_type: str = "", actor: User, now: datetime) -> IssuedToken:
    """A short-lived token that opens this API alone, whoever may subscribe to it.

    Without `key_type` it reaches the production endpoint, or the sandbox where there is no other. Raises RoleRequired,
    NothingDeployed.
    """
    require_try(actor, api)
    if api.deployed_revision is None:
        raise NothingDeployed(f"{api} is not deployed. Deploy a revision, and it can be tried out.")
    there = snapshots.key_types_served(api)
    if key_type and key_type not in there:
        raise NothingDeployed(f"What is deployed has no {key_type.lower()} endpoint. Give it one and deploy it.")
    return issue_token(
        client=_client(actor, key_type or there[0], now),
        user=None,
        scopes=[internal_keys.scope_for(api.pk)],
        seconds=internal_keys.SECONDS,
        now=now,
        actor=actor,
    )


def issue_internal_ticket(
    *, api: Api, key_type: str = "", origin: str = "", actor: User, now: datetime
) -> IssuedTicket:
    """A ticket for one connection with such a key, from a page of `origin`. Raises the same, and TooManyTickets."""
    with transaction.atomic():
        issued = issue_internal_key(api=api, key_type=key_type, actor=actor, now=now)
        client: OAuthClient = issued.row.application
        return make_ticket(
            token_id=str(issued.row.pk),
            application_id=str(client.application_id),
            api_id=str(api.pk),
            origin=origin,
            now=now,
        )


def _client(owner: User, key_type: str, now: datetime) -> OAuthClient:
    """The keys of the person's hidden application, which is made when it is needed first."""
    found = OAuthClient.objects.filter(
        application__owner=owner, application__is_internal=True, key_type=key_type
    ).select_related("application")
    client: OAuthClient | None = found.first()
    if client:
        return client
    fields = {
        "name": NAME,
        "plan": ApplicationPlan.objects.get(name=DEFAULT_APPLICATION_PLAN),
        "token_type": Application.TokenType.OAUTH,
        "created_at": now,
        "updated_at": now,
    }
    application, _ = Application.objects.get_or_create(owner=owner, is_internal=True, defaults=fields)
    made = OAuthClient(
        application=application,
        user=owner,
        key_type=key_type,
        name=f"{NAME} ({key_type.lower()})",
        client_type=OAuthClient.CLIENT_CONFIDENTIAL,
        client_secret=tokens.random_token(),
        algorithm=OAuthClient.RS256_ALGORITHM,
    )
    put_terms(made, [grants.CLIENT_CREDENTIALS], "", internal_keys.SECONDS)
    return rows.save(made, taken=lambda: NothingDeployed("Two keys were asked for at once. Ask again."))
