"""Issuing and revoking access tokens by hand. The audit log's rows come from `devportal.token_audit`."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from oauth2_provider.models import AccessToken, RefreshToken

from accounts.models import User
from core import rows
from core.errors import Conflict
from core.text import is_seen
from core.values import refuse
from devportal import grants, queries, tokens
from devportal.errors import KeysNotFound, TokenNotFound
from devportal.models import LONGEST_TOKEN_NAME, OAuthClient, TokenMaker, TokenName
from devportal.operations.token_rates import reserve_token
from devportal.permissions import require_use_keys
from devportal.tokens import IssuedToken

__all__ = ["IssuedToken", "generate_token", "issue_token", "revoke_token", "revoke_tokens_of"]


class KeysNotApproved(Conflict):
    """An administrator has not approved these keys."""


class GrantMissing(Conflict):
    """The keys may not ask for a token in their own name."""

    sentence = gettext_noop(
        "These keys lack the client credentials grant, so no token can be generated for them here. "
        "Add the grant to the keys, then generate the token."
    )


def generate_token(
    *,
    client: OAuthClient,
    actor: User,
    now: datetime,
    seconds: int | None = None,
    scopes: Iterable[str] = (),
    replaces: AccessToken | None = None,
    name: str = "",
) -> IssuedToken:
    """Issue an access token to `client`; it lives for `seconds` (as long as its keys say, if none are given).

    Without `scopes` it carries `default`. The token that it `replaces` is revoked. `name` is for its owner, to tell it
    from others. Raises NotYourApplication, KeysNotFound, KeysNotApproved, GrantMissing, TokenNotFound,
    TooManyTokens or Invalid (fields).
    """
    application = require_use_keys(actor, client)
    lifetime = tokens.life_of(client) if seconds is None else seconds
    wanted = list(dict.fromkeys(scopes)) or [queries.DEFAULT_SCOPE]
    possible = queries.scopes_of(application)
    unknown = ", ".join(scope for scope in wanted if scope not in possible)
    name, problem_with_name = name.strip(), None
    if not is_seen(name):
        problem_with_name = _("A name cannot contain line ends or characters that are not seen. Type it anew.")
    elif len(name) > LONGEST_TOKEN_NAME:
        numbers = {"limit_value": LONGEST_TOKEN_NAME, "show_value": len(name)}
        problem_with_name = (
            _("A token's name has at most %(limit_value)d characters; this one has %(show_value)d.") % numbers
        )
    problems = {
        "name": problem_with_name,
        "seconds": grants.problem_with_seconds(lifetime, settings.LONGEST_TOKEN_SECONDS),
        "scopes": _("%(unknown)s cannot be asked for. Possible here: %(possible)s.")
        % {"unknown": unknown, "possible": ", ".join(possible)}
        if unknown
        else None,
    }
    refuse(problems, _("No token can be generated like this."))
    with transaction.atomic():
        row = rows.lock(client, gone=KeysNotFound, no_key=True)
        if not row.allows_grant_type(grants.CLIENT_CREDENTIALS):
            raise GrantMissing
        if row.reason:
            raise KeysNotApproved(row.reason)
        if replaces is not None:
            revoke_token(row=replaces, actor=actor, now=now)
        return issue_token(client=row, user=None, scopes=wanted, seconds=lifetime, now=now, actor=actor, name=name)


def issue_token(
    *,
    client: OAuthClient,
    user: User | None,
    scopes: Iterable[str],
    seconds: int,
    now: datetime,
    actor: User | None,
    name: str = "",
) -> IssuedToken:
    """Make a token that lasts `seconds` from `now` and store its digest; the audit log says that `actor` issued it.

    `user` is the person in whose name the client acts, or None when it acts in its own. Whether `actor` may is for the
    caller to ask, as `generate_token` does. Raises TooManyTokens.
    """
    reserve_token(client=client, now=now)
    scopes = list(scopes)
    token = tokens.mint(client=client, user=user, scopes=scopes, seconds=seconds, now=now)
    row = AccessToken(application=client, user=user, scope=" ".join(scopes), expires=now + timedelta(seconds=seconds))
    row.token_checksum = tokens.digest(token)
    named = TokenName(token=row, name=name) if name else None  # before: the audit log's row says the name
    with tokens.attributed(actor=actor, now=now), transaction.atomic():
        row.save()
        if named:
            named.save(force_insert=True)
        if actor and user is None and client.application and client.application.owner_id != actor.pk:
            TokenMaker.objects.create(token=row, person=actor)
    return IssuedToken(token, row, row.expires)


def revoke_token(*, row: AccessToken, actor: User, now: datetime) -> None:
    """End an access token before its time; connections that it opened are closed.

    Raises NotYourApplication, or TokenNotFound if it has ended already.
    """
    if row.application is None:
        raise TokenNotFound
    require_use_keys(actor, row.application)
    with transaction.atomic(), tokens.attributed(actor=actor, now=now):
        found = AccessToken.objects.select_for_update(of=("self",)).filter(pk=row.pk).first()
        if found is None:
            raise TokenNotFound
        found.revoke()


def revoke_tokens_of(*, client: OAuthClient, actor: User, now: datetime) -> int:
    """End every access and refresh token of `client`; returns how many access tokens that were."""
    require_use_keys(actor, client)
    return end_tokens_of(client, actor=actor, now=now)


def end_tokens_of(client: OAuthClient, *, actor: User, now: datetime) -> int:
    """As `revoke_tokens_of`, for whoever has asked already whether `actor` may."""
    with transaction.atomic(), tokens.attributed(actor=actor, now=now):
        ended = queries.active_tokens(client, now).count()
        RefreshToken.objects.filter(application=client, revoked=None).update(revoked=now, updated=now)
        AccessToken.objects.filter(application=client).delete()
    return ended
