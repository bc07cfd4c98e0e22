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
from publisher.operations import take_working_copy
from publisher.permissions import require_try

NAME = "Try out in the Publisher"


class NothingDeployed(Conflict):
    """There is nothing that a key could be for: no revision on the gateway, or no endpoint."""


@transaction.atomic
def issue_internal_key(
    *, api: Api, key_type: str = "", of_working_copy: bool = False, actor: User, now: datetime
) -> IssuedToken:
    """A short-lived token that opens this API alone, as it is deployed or as it is designed, whoever may subscribe.

    Without `key_type` it reaches the production endpoint, or the sandbox where there is no other. Raises RoleRequired,
    NothingDeployed, CannotTry.
    """
    require_try(actor, api)
    if of_working_copy:
        copy, place = take_working_copy(api=api, actor=actor, now=now), "The design"
        scope, there = internal_keys.scope_for(api.pk, copy.pk), snapshots.key_types_of(copy.snapshot)
    elif api.deployed_revision is None:
        raise NothingDeployed(f"{api} is not deployed. Deploy a revision, or try out the working copy.")
    else:
        place = "What is deployed"
        scope, there = internal_keys.scope_for(api.pk), snapshots.key_types_of(api.deployed_revision.snapshot)
    if not there or (key_type and key_type not in there):
        kind = key_type.lower() or "such"
        raise NothingDeployed(f"{place} has no {kind} endpoint that takes keys. Give it one, and allow its keys.")
    return issue_token(
        client=_client(actor, key_type or there[0], now),
        user=None,
        scopes=[scope],
        seconds=internal_keys.SECONDS,
        now=now,
        actor=actor,
    )


def issue_internal_ticket(
    *, api: Api, key_type: str = "", of_working_copy: bool = False, origin: str = "", actor: User, now: datetime
) -> IssuedTicket:
    """A ticket for one connection with such a key, from a page of `origin`. Raises the same, and TooManyTickets."""
    with transaction.atomic():
        issued = issue_internal_key(api=api, key_type=key_type, of_working_copy=of_working_copy, actor=actor, now=now)
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
