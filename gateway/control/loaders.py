"""The one window on the rows of publisher and devportal: which APIs are deployed, and what a token grants.

Everything here asks the database and is called on a thread of `gateway.database`. No other module of the gateway's data
plane may look into those rooms.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
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
from gateway.authorization.decision import Allow
from gateway.authorization.grants import Grant, SubscriptionGrant, TicketGrant, TokenError
from gateway.authorization.identity import IdentitySigner
from gateway.authorization.jwt import JwtVerifier
from gateway.payloads.schemas import check_of
from gateway.quotas.limits import UNLIMITED, PlanLimits
from gateway.routing.table import TRIAL_STATE, Deployment
from gateway.routing.topics import Topic, TopicSet
from publisher import addresses, health, impact, queries, secret_options, ssrf, violations
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.mock import Mock
from publisher.models import Api
from publisher.origins import Origins
from publisher.outward_proxy import OutwardProxy
from publisher.permissions import TRIERS
from publisher.plan_terms import ExceededAction, QuotaPeriod, QuotaUnit
from publisher.runtime import KEY_TYPES, ValidationMode, all_key_managers, defaults
from publisher.versions import sort_key

log = logging.getLogger("gateway.routing")

MOCKED = Endpoint("ws://mock.invalid")
"""Stands where a mock answers: the host is what it is told that it is."""

Fingerprints = dict[str, tuple[str, str]]


def load_deployments(api_ids: Iterable[str] | None = None) -> list[Deployment]:
    """These APIs, or all, as the gateway sees them. Two queries.

    One whose addresses lie in those of an older API is left out, as if it were not there: the older one's clients keep
    what they have. Nobody can make such a one any more, but there may be some from before.
    """
    rows = Api.objects.select_related("deployed_revision", "working_copy").order_by()
    lost = addresses.losers(queries.tenants())
    if api_ids is not None:
        rows = rows.filter(pk__in=list(api_ids))
    else:
        for api_id, older in lost.items():
            log.warning(
                "API %s is not served: its address gets into the way of %s at %s, which was there before. Create it "
                "anew under another context",
                *(api_id, older.name, older.addresses[-1]),
            )
    return [_deployment(row) for row in rows if row.pk not in lost]


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


def load_grants(*, digests: Iterable[str]) -> dict[str, Grant | TokenError]:
    """What these tokens grant, by digest; `TokenError.UNKNOWN` for those that have no row. Two queries."""
    wanted = list(digests)
    found = {row["token_checksum"]: grant for row, grant in _grants(Q(token_checksum__in=wanted))}
    return {each: found.get(each, TokenError.UNKNOWN) for each in wanted}


def load_grants_of(*, token_ids: Iterable[str]) -> dict[str, Grant | TokenError]:
    """What these tokens grant now, by the id of their row. Two queries for every 500."""
    wanted = list(token_ids)
    found: dict[str, Grant | TokenError] = {}
    for start in range(0, len(wanted), 500):
        part = [int(each) for each in wanted[start : start + 500]]
        found |= {str(row["pk"]): grant for row, grant in _grants(Q(pk__in=part))}
    return {each: found.get(each, TokenError.UNKNOWN) for each in wanted}


answer_attempts_with = attempts.register
tell_health_with = health.register
tell_dials_with = health.register_dials
tell_violations_with = violations.register
tell_last_use_with = token_use.register
count_with = impact.register


def person_behind(grant: Grant) -> User | None:
    """Who allowed a token, or else owns its application, as the actor of what is done with it."""
    return User.objects.filter(pk=grant.user_id or grant.owner_id).first()


def refuse_backend() -> Callable[[str, str, int], str]:
    """The server's policy on backends, asked with host, IP address and port: why not, or nothing. It remembers."""
    return lru_cache(maxsize=4096)(ssrf.policy().refuse)


def backend_proxy() -> OutwardProxy | None:
    """The proxy on the way to backends, if the installation has one."""
    made: OutwardProxy | None = settings.BACKEND_PROXY
    return made


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


def _deployment(row: Api) -> Deployment:
    revision, copy = row.deployed_revision, getattr(row, "working_copy", None)
    served = _read(row, revision.snapshot, row.deployed_revision_id) if revision else None
    tried = _read(row, copy.snapshot, copy.pk) if copy else None
    return replace(
        served or _undeployed(row), working_copy=replace(tried, state=TRIAL_STATE, is_default=False) if tried else None
    )


def _read(row: Api, snapshot: Mapping[str, Any], revision_id: object) -> Deployment | None:
    try:
        return replace(_deployed(row, snapshot), revision_id=str(revision_id))
    except (KeyError, TypeError, ValueError, AttributeError):
        log.exception("API %s is not served: its revision %s cannot be read", row.pk, revision_id)
        return None


def _undeployed(row: Api) -> Deployment:
    return Deployment(
        api_id=str(row.pk),
        name=row.name,
        context=row.context,
        version=row.version,
        state=row.state,
        rank=sort_key(row.version),
        endpoints={},
        options=EndpointOptions(),
        topics=TopicSet(),
    )


def _deployed(row: Api, snapshot: Mapping[str, Any]) -> Deployment:
    mock = Mock.from_document(snapshot.get("mock", {}), snapshot["topics"])
    endpoints = {
        each: MOCKED if mock else Endpoint.from_document(snapshot[each.lower()]) for each in ("PRODUCTION", "SANDBOX")
    }
    validation = ValidationMode(snapshot.get("payload_validation", ValidationMode.OFF))
    is_checked = validation is not ValidationMode.OFF
    topics = [
        Topic(
            target=document["target"],
            verbs=tuple(document.get("verbs", ())),
            mapping=document.get("mapping", ""),
            scopes=frozenset(document.get("scopes", ())),
            client=check_of(document, "publish") if is_checked else None,
            backend=check_of(document, "subscribe") if is_checked else None,
        )
        for document in snapshot["topics"]
    ]
    return Deployment(
        api_id=str(row.pk),
        name=snapshot["name"],
        context=snapshot["context"],
        version=snapshot["version"],
        state=row.state,
        rank=sort_key(snapshot["version"]),
        endpoints={key_type: endpoint for key_type, endpoint in endpoints.items() if endpoint},
        options=EndpointOptions.from_document(secret_options.opened(snapshot["endpoint_options"])),
        topics=TopicSet(topics),
        is_default=snapshot["is_default_version"],
        deployed_at=row.deployed_at.timestamp() if row.deployed_at else 0.0,
        query_token=settings.QUERY_TOKENS and snapshot.get("query_token", True),
        origins=Origins(
            tuple(snapshot.get("origins", ())), console=(settings.PORTAL_URL,), console_key=settings.SECRET_KEY
        ),
        mock=mock,
        message_bytes=snapshot.get("message_bytes", 0),
        key_types=frozenset(snapshot.get("key_types", KEY_TYPES)),
        validation=validation,
        frame_bytes=snapshot.get("frame_bytes", 0),
        key_managers=frozenset(snapshot.get("key_managers", all_key_managers())),
        limits=_limits_of_api({**defaults(), **snapshot}),
    )


def _limits_of_api(runtime: Mapping[str, Any]) -> PlanLimits:
    """What all applications together may use of an API; a plan's terms say it too."""
    if not (runtime["message_rate"] or runtime["byte_quota"]):
        return UNLIMITED
    return PlanLimits(
        quota=runtime["byte_quota"] or None,
        unit=QuotaUnit.BYTES,
        period=QuotaPeriod(runtime["byte_period"]),
        over_quota=ExceededAction(runtime["over_byte_quota"]),
        rate=runtime["message_rate"] or None,
        over_rate=ExceededAction(runtime["over_rate"]),
    )


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
}


def _grants(wanted: Q) -> Iterator[tuple[dict[str, Any], Grant | TokenError]]:
    columns = ("pk", "token_checksum", "scope", "expires", "user_id", "application_id", *_TOKEN_COLUMNS.values())
    held_by_owner = RoleGrant.objects.filter(user=OuterRef(_TOKEN_COLUMNS["owner"]))
    tokens = AccessToken.objects.filter(wanted).annotate(
        owner_develops=Exists(held_by_owner.filter(role__in=DEVELOPERS)),
        owner_publishes=Exists(held_by_owner.filter(role__in=TRIERS)),
    )
    rows = list(tokens.order_by().values(*columns))
    applications = {row[_TOKEN_COLUMNS["application"]] for row in rows} - {None}
    subscriptions: dict[Any, dict[str, SubscriptionGrant]] = {}
    held = Subscription.objects.filter(application_id__in=applications).order_by()
    columns = ("pk", "application_id", "api_id", "plan__name", "state", *(f"plan__{name}" for name in _LIMITS))
    for pk, application, api, plan, state, *limits in held.values_list(*columns):
        grant = SubscriptionGrant(str(pk), plan, state, _limits(*limits))
        subscriptions.setdefault(application, {})[str(api)] = grant
    for row in rows:
        yield row, _grant(row, subscriptions)


def _grant(row: dict[str, Any], subscriptions: Mapping[Any, dict[str, SubscriptionGrant]]) -> Grant | TokenError:
    of = {name: row[column] for name, column in _TOKEN_COLUMNS.items()}
    if row["application_id"] is None:
        return TokenError.UNKNOWN
    if of["application"] is None:
        return TokenError.SERVICE_ACCOUNT
    if not of["owner_active"] or of["user_active"] is False:
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
        subscriptions=subscriptions.get(of["application"], {}),
        user_id=str(row["user_id"] or ""),
        user_name=of["user_name"] or "",
        plan=of["plan"],
        limits=PlanLimits.per_minute(of["per_minute"]),
        internal_api=internal_api,
        internal_copy=internal_copy,
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


@lru_cache(maxsize=1024)
@lru_cache(maxsize=4096)  # plans are few, and their subscriptions share what they allow
def _limits(*values: Any) -> PlanLimits:
    """The limits of a business plan, out of the columns in `_LIMITS`. Subscriptions to the same plan share one."""
    document = dict(zip(_LIMITS.values(), values, strict=True))
    if document["over_quota"] == ExceededAction.PASS:  # such a quota is told to people, and stops nothing
        document |= {"quota": None, "over_quota": ExceededAction.CLOSE}
    return PlanLimits.from_document(document)
