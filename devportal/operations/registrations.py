"""Registered clients: programs that use the REST API in the name of a person, with the rights that they ask for."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.models import User
from core.audit import record_change
from core.errors import Conflict
from core.values import refuse
from devportal import grants, tokens
from devportal.models import OAuthClient
from devportal.operations.keys import GeneratedKeys, put_terms

MOST_CLIENTS = 20  # of one person
LONGEST_NAME = 100


class TooManyClients(Conflict):
    """The person has registered as many clients as one may have."""

    sentence = (
        f"You have registered {MOST_CLIENTS} clients, which is as many as one person may have. "
        "Register one of their names again: it gets a new secret."
    )


def register_client(
    *, name: str, grant_types: Iterable[str], callback_url: str, actor: User, now: datetime
) -> GeneratedKeys:
    """Register a client of the REST API that acts for `actor`.

    A name that `actor` has registered before gets a new secret and these terms; its old secret stops working, its
    tokens live on. Raises Invalid (name, grant_types, callback_url) or TooManyClients.
    """
    name, asked = name.strip(), list(grant_types)
    is_name = name and name.isprintable() and len(name) <= LONGEST_NAME
    problems = {
        "name": None if is_name else f"A client has a name of 1 to {LONGEST_NAME} characters on one line.",
        "grant_types": grants.problem_with_grants(asked),
        "callback_url": grants.problem_with_callbacks(asked, callback_url),
    }
    refuse(problems, "The client cannot be registered like this.")
    secret = tokens.random_token()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)  # one registration of a person at a time
        mine = OAuthClient.objects.filter(user=actor, application=None)
        client = mine.filter(name=name).first()
        verb = "registered_again" if client else "registered"
        if client is None:
            if mine.count() >= MOST_CLIENTS:
                raise TooManyClients
            client = OAuthClient(user=actor, name=name, client_type=OAuthClient.CLIENT_CONFIDENTIAL, algorithm="RS256")
        client.client_secret = secret
        put_terms(client, grants.usable(asked), callback_url, settings.ACCESS_TOKEN_SECONDS)
        client.save()
        record_change(client, verb, actor=actor, now=now)
    return GeneratedKeys(client, secret)
