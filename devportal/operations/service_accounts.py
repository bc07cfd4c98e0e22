"""Service accounts: users without a password that sign in to the REST API with client credentials."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import transaction

from accounts.models import RoleGrant, User
from accounts.permissions import require_manage_users
from accounts.roles import Role
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.values import invalid
from devportal import grants, tokens
from devportal.models import OAuthClient


class ServiceNameTaken(Conflict):
    """Somebody has this user name already."""


@dataclass(frozen=True)
class ServiceAccount:
    """A new service account. The secret is nowhere else: show it once and forget it."""

    user: User
    client: OAuthClient
    secret: str = field(repr=False)


def create_service_account(
    *, name: str, roles: Iterable[Role], may_introspect: bool = False, actor: User | None, now: datetime
) -> ServiceAccount:
    """Make a user that is a program, with its OAuth client. Raises Invalid (name, roles) or ServiceNameTaken.

    `may_introspect` adds the right to ask `/oauth2/introspect` about every token.
    """
    if actor is not None:  # else somebody at the server itself
        require_manage_users(actor)
    chosen = sorted(set(roles))
    if not name.strip():
        raise invalid(name="Give the service account a name.")
    if not chosen and not may_introspect:
        sentence = f"Give it at least one role ({', '.join(Role)}) or the right to introspect: it could do nothing."
        raise invalid(roles=sentence)
    user = User(username=name, is_service=True)
    user.set_unusable_password()
    secret = tokens.random_token()
    with transaction.atomic():
        sentence = f"There is a user called {name} already. Choose another name, or give that account new keys."
        rows.save(user, taken=lambda: ServiceNameTaken(sentence))
        RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role) for role in chosen)
        if may_introspect:
            app, _, codename = tokens.INTROSPECTION_RIGHT.partition(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        client: OAuthClient = OAuthClient.objects.create(
            user=user,
            name=f"{user.username} (service account)",
            client_type=OAuthClient.CLIENT_CONFIDENTIAL,
            client_secret=secret,
            grant_types=[grants.CLIENT_CREDENTIALS],
            token_seconds=settings.ACCESS_TOKEN_SECONDS,
        )
        record_change(user, "created", actor=actor, now=now, roles=[role.value for role in chosen], service=True)
    return ServiceAccount(user, client, secret)


def renew_secret(*, client: OAuthClient, actor: User, now: datetime) -> str:
    """Give a service account a new secret, which is returned here and kept nowhere. Tokens that it has stay.

    Raises RoleRequired.
    """
    require_manage_users(actor)
    secret = tokens.random_token()
    with transaction.atomic():
        client.client_secret = secret
        client.save()  # the toolkit hashes it
        about = {"client_id": client.client_id, "service": True}
        record_change(client.user, "secret_regenerated", actor=actor, now=now, **about)
    return secret
