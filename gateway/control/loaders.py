"""The one window on the rows of publisher and devportal, one module for that: what is deployed, what a token grants.

Everything here asks the database and is called on a thread of `gateway.database`. No other module of the gateway's data
plane may look into those rooms.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial, reduce
from operator import or_
from sys import intern
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from oauth2_provider.models import AccessToken

from accounts.models import RoleGrant, User
from accounts.roles import DEVELOPERS
from devportal import attempts, internal_keys, tickets, token_use
from devportal.deny_policies import ActiveDenyPolicies, ActiveDenyPolicy
from devportal.models import DenyPolicy, Subscription
from devportal.operations import tickets as ticket_operations
from devportal.tickets import IssuedTicket
from devportal.tokens import signing_key
from gateway.authorization.cache import Key
from gateway.authorization.decision import Allow
from gateway.authorization.grants import Grant, SubscriptionGrant, TicketGrant, TokenError
from gateway.authorization.identity import IdentitySigner
from gateway.authorization.jwt import JwtVerifier
from gateway.control import designs
from gateway.quotas.limits import PlanLimits
from gateway.routing.deployment import TRIAL_STATE, VERSION, Deployment
from publisher import addresses, health, impact, queries, violations
from publisher.models import Api
from publisher.permissions import TRIERS
from publisher.plan_terms import ExceededAction
from publisher.versions import sort_key

log = logging.getLogger("gateway.routing")

BATCH = 200  # APIs of which the snapshots are in memory at one time
_API_COLUMNS = (
    *("name", "context", "version", "state", "redacted", "deployed_at"),
    *("deployed_revision__snapshot", "working_copy__snapshot"),
)

Fingerprints = dict[str, tuple[str, str]]


def load_deployments(api_ids: Iterable[str] | None = None) -> list[Deployment]:
    """These APIs, or all, as the gateway sees them. Two queries, or four.

    One whose addresses lie in those of an older API is left out, as if it were not there: the older one's clients keep
    what they have. Nobody can make such a one any more, but there may be some from before.
    """
    rows = Api.objects.select_related("deployed_revision", "working_copy").only(*_API_COLUMNS).order_by()
    if api_ids is not None:
        wanted = list(api_ids)
        rows = rows.filter(pk__in=wanted)
        # Of ten thousand only those are compared that begin with the same segment, unless that may be any.
        contexts = Api.objects.order_by().values_list("context", flat=True)
        begun = {context: context.lower().split("/", 2)[1] for context in contexts}
        neighbours = Api.objects.all()
        if not any(VERSION in segment for segment in begun.values()):
            shared = {begun[context] for context in contexts.filter(pk__in=wanted)}
            neighbours = neighbours.filter(context__in=[each for each, segment in begun.items() if segment in shared])
        lost = addresses.losers(queries.tenants(neighbours))
    else:
        lost = addresses.losers(queries.tenants())
        for api_id, older in lost.items():
            log.warning(
                "API %s is not served: its address gets into the way of %s at %s, which was there before. Create it "
                "anew under another context",
                *(api_id, older.name, older.addresses[-1]),
            )
    # A batch at a time: snapshots hold whole documents, of which little is kept.
    return [deployment_of(row) for row in rows.iterator(BATCH) if row.pk not in lost]


def issue_ticket(admitted: Allow, now: datetime) -> IssuedTicket:
    """A ticket for what was admitted. Raises TooManyTickets."""
    return ticket_operations.make_ticket(
        token_id=admitted.grant.token_id,
        application_id=admitted.grant.application_id,
        api_id=admitted.route.api_id,
        origin=admitted.origin or "",
        now=now,
    )


ticket_digest = tickets.digest
is_genuine_ticket = tickets.is_genuine


def redeem_ticket(digest: str, now: float) -> TicketGrant | None:
    """Use a ticket up, at `now` in seconds since the epoch; None when it is not known, was used or has run out."""
    redeemed = ticket_operations.redeem_ticket(digest=digest, now=datetime.fromtimestamp(now, UTC))
    if redeemed is None:
        return None
    return TicketGrant(redeemed.api_id, redeemed.token_id, redeemed.connection_id, redeemed.origin)


def load_deny_policies() -> ActiveDenyPolicies:
    """The deny policies that are switched on. One query."""
    rows = DenyPolicy.objects.filter(is_active=True).order_by()
    return ActiveDenyPolicies(ActiveDenyPolicy(*row) for row in rows.values_list("kind", "value", "subject", "invert"))


def load_fingerprints() -> Fingerprints:
    """State and deployed revision of every API, by id. One query that reads no snapshot."""
    rows = Api.objects.order_by().values_list("pk", "state", "deployed_revision_id")
    return {str(pk): (state, str(revision or "")) for pk, state, revision in rows}


def load_grants(*, asked: Iterable[Key], named_by: str = "token_checksum") -> dict[Key, Grant | TokenError]:
    """What tokens grant on these APIs; `TokenError.UNKNOWN` for those that have no row. Two queries for every 500.

    They are named by their digest, or by the id of their row (`pk`). How many subscriptions their applications have
    costs nothing.
    """
    columns = ("pk", "token_checksum", "scope", "expires", "user_id", "application_id", *_TOKEN_COLUMNS.values())
    held_by_owner = RoleGrant.objects.filter(user=OuterRef(_TOKEN_COLUMNS["owner"]))
    tokens = AccessToken.objects.annotate(
        owner_develops=Exists(held_by_owner.filter(role__in=DEVELOPERS)),
        owner_publishes=Exists(held_by_owner.filter(role__in=TRIERS)),
    )
    wanted, found = list(asked), dict[Key, Grant | TokenError]()
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        chosen = tokens.filter(**{f"{named_by}__in": {name for name, _ in part}}).order_by()
        rows = {str(row[named_by]): row for row in chosen.values(*columns)}
        of = {name: row[_TOKEN_COLUMNS["application"]] for name, row in rows.items()}
        pairs = {(of[name], api_id) for name, api_ids in part if of.get(name) for api_id in api_ids}
        subscriptions = _subscriptions(pairs)
        for name, api_ids in part:
            held = {each: subscriptions.get((of.get(name), each)) for each in api_ids}
            of_these = {each: grant for each, grant in held.items() if grant}
            found[name, api_ids] = _grant(rows[name], of_these) if name in rows else TokenError.UNKNOWN
    return found


answer_attempts_with = attempts.register
tell_health_with = health.register
tell_dials_with = health.register_dials
tell_violations_with = violations.register
tell_last_use_with = token_use.register
count_with = impact.register


def person_behind(grant: Grant) -> User | None:
    """Who allowed a token, or else owns its application, as the actor of what is done with it."""
    return User.objects.filter(pk=grant.user_id or grant.owner_id).first()


def make_verifier() -> JwtVerifier:
    """A verifier with the keys that sign tokens now."""
    key = signing_key()
    public = load_pem_public_key(key.export_to_pem())
    assert isinstance(public, RSAPublicKey)  # noqa: S101  the settings make no other
    return JwtVerifier(
        keys={key.thumbprint(): public}, issuer=settings.OAUTH_ISSUER, audience=settings.ACCESS_TOKEN_AUDIENCE
    )


def make_identity_signer() -> IdentitySigner:
    """A signer with the key that signs tokens now, whose public half is at `/oauth2/jwks`."""
    private = load_pem_private_key(settings.SIGNING_KEY.encode(), password=None)
    assert isinstance(private, RSAPrivateKey)  # noqa: S101  the settings make no other
    return IdentitySigner(key=private, key_id=signing_key().thumbprint(), issuer=settings.OAUTH_ISSUER)


def deployment_of(row: Api) -> Deployment:
    """One API, with its deployed revision and working copy, as the gateway sees it."""
    revision, copy = row.deployed_revision, getattr(row, "working_copy", None)
    served = _read(row, revision.snapshot, row.deployed_revision_id) if revision else None
    tried = _read(row, copy.snapshot, copy.pk) if copy else None
    known = served or Deployment(
        api_id=str(row.pk),
        name=row.name,
        context=row.context,
        version=intern(row.version),
        state=intern(row.state),
        rank=_rank(row.version),
        read_design=lambda: designs.NOTHING_DESIGNED,
        redacted=tuple(row.redacted),
    )
    return replace(known, working_copy=replace(tried, state=TRIAL_STATE, is_default=False)) if tried else known


def _read(row: Api, snapshot: Mapping[str, Any], revision_id: object) -> Deployment | None:
    """What a snapshot says; None, with a line in the log, where it cannot be understood: that is tried here, once."""
    try:
        read_design = partial(designs.design_of, designs.packed(snapshot))
        return Deployment(
            api_id=str(row.pk),
            name=snapshot["name"],
            context=snapshot["context"],
            version=intern(snapshot["version"]),
            state=intern(row.state),
            rank=_rank(snapshot["version"]),
            read_design=read_design,
            revision_id=str(revision_id),
            is_default=snapshot["is_default_version"],
            deployed_at=row.deployed_at.timestamp() if row.deployed_at else 0.0,
            query_token=settings.QUERY_TOKENS and snapshot.get("query_token", True),
            redacted=tuple(dict.fromkeys([*row.redacted, *snapshot.get("redacted", ())])),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        log.exception("API %s is not served: its revision %s cannot be read", row.pk, revision_id)
        return None


_rank = lru_cache(maxsize=1024)(sort_key)  # many APIs have the same versions, and share it


_TOKEN_COLUMNS = {
    "client": "application__client_id",
    "key_type": "application__key_type",
    "application": "application__application_id",
    "application_name": "application__application__name",
    "plan": "application__application__plan__name",
    "per_minute": "application__application__plan__per_minute",
    "owner": "application__application__owner_id",
    "owner_name": "application__application__owner__username",
    "owner_active": "application__application__owner__is_active",
    "owner_develops": "owner_develops",
    "owner_publishes": "owner_publishes",
    "is_internal": "application__application__is_internal",
    "user_active": "user__is_active",
    "user_name": "user__username",
    "maker": "maker__person_id",
    "maker_active": "maker__person__is_active",
}


def _subscriptions(pairs: Iterable[tuple[Any, str]]) -> dict[tuple[Any, str], SubscriptionGrant]:
    """The subscriptions of these applications to these APIs, of the application that is named with each. One query."""
    of_application: dict[Any, list[str]] = {}
    of_api: dict[str, list[Any]] = {}
    for application, api_id in pairs:
        of_application.setdefault(application, []).append(api_id)
        of_api.setdefault(api_id, []).append(application)
    if len(of_api) < len(of_application):
        parts = [Q(api=api_id, application__in=each) for api_id, each in of_api.items()]
    else:
        parts = [Q(application=application, api__in=each) for application, each in of_application.items()]
    if not parts:
        return {}
    columns = ("pk", "application_id", "api_id", "plan__name", "state", *(f"plan__{name}" for name in _LIMITS))
    rows = Subscription.objects.filter(reduce(or_, parts)).order_by().values_list(*columns)
    return {
        (application, str(api)): SubscriptionGrant(str(pk), plan, state, _limits(*limits))
        for pk, application, api, plan, state, *limits in rows
    }


def _grant(row: dict[str, Any], held: dict[str, SubscriptionGrant]) -> Grant | TokenError:
    of = {name: row[column] for name, column in _TOKEN_COLUMNS.items()}
    if row["application_id"] is None:
        return TokenError.UNKNOWN
    if of["application"] is None:
        return TokenError.SERVICE_ACCOUNT
    if not of["owner_active"] or of["user_active"] is False or of["maker_active"] is False:
        return TokenError.DISABLED
    if of["is_internal"] and not of["owner_publishes"]:
        return TokenError.NO_PUBLISHER
    if not of["is_internal"] and not of["owner_develops"]:
        return TokenError.NO_DEVELOPER
    internal_api, internal_copy = internal_keys.named_by(row["scope"]) if of["is_internal"] else ("", "")
    return Grant(
        token_id=str(row["pk"]),
        client_id=of["client"],
        application_id=str(of["application"]),
        application_name=of["application_name"],
        owner_id=str(of["owner"]),
        owner_name=of["owner_name"],
        key_type=of["key_type"],
        scopes=frozenset(row["scope"].split()),
        expires_at=row["expires"].timestamp(),
        subscriptions=held,
        user_id=str(row["user_id"] or ""),
        user_name=of["user_name"] or "",
        plan=of["plan"],
        limits=PlanLimits.per_minute(of["per_minute"]),
        internal_api=internal_api,
        internal_copy=internal_copy,
        maker_id=str(of["maker"] or ""),
    )


_LIMITS = {
    "quota": "quota",
    "quota_unit": "unit",
    "quota_period": "period",
    "rate": "rate",
    "burst": "burst",
    "connections": "connections",
    "connects": "connects",
    "message_bytes": "message_bytes",
    "counted": "counted",
    "over_rate": "over_rate",
    "over_quota": "over_quota",
    "uncompressed": "uncompressed",
}
"""The columns of a business plan, and what they are called among limits."""


@lru_cache(maxsize=4096)  # plans are few, and their subscriptions share what they allow
def _limits(*values: Any) -> PlanLimits:
    """The limits of a business plan, out of the columns in `_LIMITS`. Subscriptions to the same plan share one."""
    document = dict(zip(_LIMITS.values(), values, strict=True))
    if document["over_quota"] == ExceededAction.PASS:  # such a quota is told to people, and stops nothing
        document |= {"quota": None, "over_quota": ExceededAction.CLOSE}
    return PlanLimits.from_document(document)
