"""The keys of an application: an OAuth client for production and one for sandbox."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import installation
from accounts.models import User
from accounts.roles import Role
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.values import refuse
from devportal import grants, news
from devportal.errors import KeysNotFound
from devportal.models import Application, KeyType, OAuthClient
from devportal.operations.applications import clean_reason, lock, require_approved
from devportal.permissions import require_approve_applications, require_use_application, require_use_keys
from devportal.sharing import Right


class KeysDecided(Conflict):
    """Somebody else has decided meanwhile, or there was nothing to decide."""

    sentence = gettext_noop("These keys do not wait for approval any more. Reload to see how they stand.")


class KeysExist(Conflict):
    """The application has keys of this type already."""


@dataclass(frozen=True)
class GeneratedKeys:
    """New keys. The secret is nowhere else: show it once and forget it."""

    client: OAuthClient
    secret: str = field(repr=False)


def generate_keys(
    *,
    application: Application,
    key_type: str,
    actor: User,
    now: datetime,
    grant_types: Iterable[str] = (grants.CLIENT_CREDENTIALS,),
    callback_url: str = "",
    token_seconds: int | None = None,
) -> GeneratedKeys:
    """Generate the production or sandbox keys of `application`. `token_seconds` is how long its tokens live.

    Production keys may have to be approved, see `first_approval`: no token is issued for them until then.
    Raises NotYourApplication, NotApproved, ApplicationNotFound, Invalid (fields) or KeysExist.
    """
    require_use_application(actor, application)
    require_approved(application)
    seconds = settings.ACCESS_TOKEN_SECONDS if token_seconds is None else token_seconds
    names = _checked(key_type, grant_types, callback_url, seconds)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        application, label = lock(application), KeyType(key_type).lower()
        client = OAuthClient(
            application=application,
            user=application.owner,
            secret_by=actor,
            approval=first_approval(key_type, actor),
            key_type=key_type,
            name=f"{application.name} ({label})",
            client_type=OAuthClient.CLIENT_CONFIDENTIAL,
            client_secret=secret,
            algorithm=OAuthClient.RS256_ALGORITHM,
        )
        put_terms(client, names, callback_url, seconds)
        about = {"application": application, "keys": KeyType(key_type).keys}
        sentence = _("%(application)s has %(keys)s already. Use them, or regenerate their secret.") % about
        rows.save(client, taken=lambda: KeysExist(sentence))
        record_change(client, "generated", actor=actor, now=now)
        if client.approval == Application.Approval.WAITING:
            news.keys_wait(client, now)
    return GeneratedKeys(client, secret)


def update_keys(
    *,
    client: OAuthClient,
    grant_types: Iterable[str],
    callback_url: str,
    token_seconds: int,
    actor: User,
    now: datetime,
) -> OAuthClient:
    """Change what keys may do and how long their tokens live. Tokens that exist are not touched.

    Keys that were rejected wait for another decision. Raises NotYourApplication, KeysNotFound or Invalid (fields).
    """
    require_use_keys(actor, client, Right.MANAGE)
    names = _checked(client.key_type, grant_types, callback_url, token_seconds)
    with transaction.atomic():
        row = rows.lock(client, gone=KeysNotFound, no_key=True)
        put_terms(row, names, callback_url, token_seconds)
        asks_again = row.approval == Application.Approval.REJECTED
        if asks_again:
            row.approval, row.decision = first_approval(row.key_type, actor), ""
        row.save()
        record_change(row, "updated", actor=actor, now=now)
        if asks_again and row.approval == Application.Approval.WAITING:
            news.keys_wait(row, now)
    return row


def decide_keys(*, client: OAuthClient, is_approved: bool, reason: str = "", actor: User, now: datetime) -> OAuthClient:
    """Approve or reject keys that wait; the owner of their application is told, with the `reason`.

    Raises RoleRequired, KeysDecided, KeysNotFound, or Invalid (reason).
    """
    require_approve_applications(actor)
    said = clean_reason(reason)
    with transaction.atomic():
        row = rows.lock(client, gone=KeysNotFound, no_key=True)
        if row.approval != Application.Approval.WAITING:
            raise KeysDecided
        row.approval = Application.Approval.APPROVED if is_approved else Application.Approval.REJECTED
        row.decision = said
        row.save(update_fields=["approval", "decision"])
        record_change(row, "approved" if is_approved else "rejected", actor=actor, now=now, reason=said)
        news.keys_decided(row, now)
    return row


def first_approval(key_type: str, actor: User) -> str:
    """How new keys stand: production keys wait where the settings say so, unless an administrator makes them."""
    waits = installation.current().approve_keys and key_type == KeyType.PRODUCTION and not actor.has_role(Role.ADMIN)
    return Application.Approval.WAITING if waits else Application.Approval.APPROVED


def _checked(key_type: str, grant_types: Iterable[str], callback_url: str, seconds: int) -> list[str]:
    """The grants in the order of the table, or Invalid with a sentence for each field."""
    chosen = list(grant_types)
    problems = {
        "key_type": None if key_type in KeyType.values else _("Choose PRODUCTION or SANDBOX."),
        "grant_types": grants.problem_with_grants(chosen),
        "callback_url": grants.problem_with_callbacks(chosen, callback_url),
        "token_seconds": grants.problem_with_seconds(seconds, settings.LONGEST_TOKEN_SECONDS),
    }
    refuse(problems, _("The keys cannot be saved like this."))
    return [name for name in grants.GRANT_NAMES if name in chosen]


def put_terms(client: OAuthClient, names: list[str], callback_url: str, seconds: int) -> None:
    """What keys may do, and how long their tokens live."""
    client.grant_types = names
    client.redirect_uris = " ".join(grants.callbacks(callback_url))
    client.token_seconds = seconds
    # The toolkit's own column holds one grant only; `allows_grant_type` reads `grant_types` instead.
    client.authorization_grant_type = (
        OAuthClient.GRANT_AUTHORIZATION_CODE
        if grants.AUTHORIZATION_CODE in names
        else OAuthClient.GRANT_CLIENT_CREDENTIALS
    )
