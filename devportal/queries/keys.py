"""Keys, secrets, tokens and the scopes of these."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db.models import Q, QuerySet
from oauth2_provider.models import AccessToken

from accounts.consequences import Holdings
from accounts.models import User
from accounts.permissions import Viewer
from devportal.errors import KeysNotFound, TokenNotFound
from devportal.memberships import within_reach
from devportal.models import Application, ClientSecret, KeyType, OAuthClient
from devportal.queries.applications import application_for
from devportal.queries.rows import one_of
from devportal.sharing import Right
from publisher import scope_terms, scoping

DEFAULT_SCOPE = "default"


def keys_of(application: Application, key_type: str) -> OAuthClient | None:
    """The application's keys of one type, if they have been generated."""
    client: OAuthClient | None = OAuthClient.objects.filter(application=application, key_type=key_type).first()
    if client:
        client.application = application
    return client


def own_keys(viewer: User, pk: str) -> tuple[OAuthClient, Application]:
    """Keys that the viewer may use, and their application. Raises KeysNotFound."""
    reach = within_reach(viewer, Right.KEYS, "application__")
    rows = OAuthClient.objects.filter(reach, application__is_internal=False)
    client: OAuthClient = one_of(rows.select_related("application__owner"), pk, KeysNotFound)
    return client, cast(Application, client.application)


def client_for(viewer: Viewer, application_pk: UUID | str, key_type: str) -> OAuthClient:
    """The keys of one of the viewer's applications. Raises ApplicationNotFound or KeysNotFound."""
    application = application_for(viewer, application_pk)
    client = keys_of(application, key_type) if key_type in KeyType.values else None
    if client is None:
        raise KeysNotFound
    return client


def secrets_of(client: OAuthClient, now: datetime) -> QuerySet[ClientSecret]:
    """The secrets of `client` beside its first one that work now, the newest first."""
    rows = ClientSecret.objects.filter(client=client)
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=now)).order_by("-pk")


def is_other_secret(first: str, digest: str, now: datetime) -> bool:
    """Whether `digest` is that of a further secret, which works, of the keys whose first one is stored as `first`.

    It works until it expires, and while whoever made it is not disabled.
    """
    rows = ClientSecret.objects.filter(client__client_secret=first, digest=digest).exclude(by__is_active=False)
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=now)).exists()


def is_suspended_secret(first: str) -> bool:
    """Whether the first secret that is stored as `first` was made by somebody whose account is disabled now."""
    return bool(OAuthClient.objects.filter(client_secret=first, secret_by__is_active=False).exists())


def active_tokens(client: OAuthClient, now: datetime) -> QuerySet[AccessToken]:
    """The access tokens of `client` that still work, newest first. None of them holds the token itself."""
    tokens: QuerySet[AccessToken] = AccessToken.objects.filter(application=client, expires__gt=now)
    return tokens.select_related("user", "given").order_by("-created", "-pk")


def token_for(viewer: Viewer, pk: int | str) -> AccessToken:
    """An access token of one of the viewer's applications. Raises TokenNotFound."""
    if not isinstance(viewer, User):
        raise TokenNotFound
    rows = AccessToken.objects.filter(within_reach(viewer, Right.KEYS, "application__application__"))
    token: AccessToken = one_of(rows.select_related("application__application__owner"), pk, TokenNotFound)
    return token


def count_active_tokens(application: Application, now: datetime) -> int:
    """How many access tokens of `application` still work."""
    count: int = AccessToken.objects.filter(application__application=application, expires__gt=now).count()
    return count


def scopes_asked_for(application: Application) -> list[str]:
    """`default`, and the scopes that the topics of an application's APIs ask for, whoever gets them."""
    snapshots = application.subscriptions.exclude(api__deployed_revision=None).values_list(
        "api__deployed_revision__snapshot", flat=True
    )
    topics = [topic for snapshot in snapshots for topic in snapshot.get("topics", [])]
    asked_for = {scope for topic in topics for scope in topic.get("scopes", [])}
    return [DEFAULT_SCOPE, *sorted(asked_for - {DEFAULT_SCOPE})]


def scopes_granted(application: Application, wanted: Iterable[str], to: User) -> list[str]:
    """Those of `wanted` that a token of `application` carries which speaks for `to`, by that person's roles."""
    names = list(wanted)
    apis = application.subscriptions.values_list("api_id", flat=True)
    return scope_terms.granted(names, scoping.roles_by_name(names, apis), to.roles)


def scopes_of(application: Application) -> list[str]:
    """The scopes of a token that `application` gets in its own name: `default`, and what its owner's roles allow."""
    return scopes_granted(application, scopes_asked_for(application), application.owner)


def holdings_of(user: User, now: datetime) -> Holdings:
    """What hangs on a person here: applications, tokens of these that work, and what they made of those of others."""
    tokens = AccessToken.objects.filter(
        application__application__owner=user, application__application__is_internal=False, expires__gt=now
    )
    others = Application.objects.exclude(owner=user).filter(members__person=user)
    made = AccessToken.objects.filter(maker__person=user, expires__gt=now)
    further = ClientSecret.objects.filter(by=user, client__application__in=others)
    first = OAuthClient.objects.filter(secret_by=user, application__in=others)
    return Holdings(
        applications=Application.objects.filter(owner=user, is_internal=False).count(),
        tokens=tokens.count(),
        made_tokens=made.count(),
        made_secrets=further.count() + first.count(),
    )


def service_clients() -> QuerySet[OAuthClient]:
    """The clients of service accounts, by name. For administrators, which the edges see to."""
    rows: QuerySet[OAuthClient] = OAuthClient.objects.filter(application=None, user__is_service=True)
    return rows.select_related("user").prefetch_related("user__role_grants").order_by("user__username_key")


def service_client(pk: int) -> OAuthClient:
    """One of them. Raises KeysNotFound."""
    return one_of(service_clients(), pk, KeysNotFound)
