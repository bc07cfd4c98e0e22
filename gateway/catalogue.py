"""The one window on publisher and devportal: which APIs are deployed, and what a token grants.

Everything that a handshake asks is answered from memory. A token not seen before costs one query (shared by all that
arrive meanwhile) on a database thread; a repeated one nothing; a forged JWT none at all.

Longer than most modules here, because no other module of the gateway may look into those rooms.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AccessToken

from devportal import tickets
from devportal.deny_policies import Denial, Denials
from devportal.models import DenyPolicy, Subscription
from devportal.tickets import IssuedTicket, Redeemed, TooManyTickets
from devportal.tokens import digest, signing_key
from gateway.authorization import Absence, Admit, Grant, Refuse, SubscriptionGrant, authorize, settle_ticket
from gateway.database import Runner
from gateway.grants import GrantCache, Touched
from gateway.handshake import Handshake, Way
from gateway.limits import Limits
from gateway.proof import Prover
from gateway.routes import Deployment, RouteTable
from gateway.topics import Topic, TopicSet
from publisher import impact, ssrf
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.models import Api
from publisher.origins import Origins
from publisher.versions import sort_key

__all__ = [
    "Catalogue",
    "Denial",
    "Denials",
    "Endpoint",
    "EndpointOptions",
    "Origins",
    "Redeemed",
    "TooManyTickets",
    "count_live_lines_with",
    "issue_ticket",
    "load_denials",
    "load_deployments",
    "load_fingerprints",
    "load_grants",
    "load_grants_of",
    "make_prover",
    "refuse_backend",
]

MOST_AT_ONCE = 200

log = logging.getLogger("gateway.catalogue")

Fingerprints = dict[str, tuple[str, str]]


class Catalogue:
    """What one worker knows. Used from its event loop only; `run` takes database work elsewhere."""

    def __init__(self, *, run: Runner, prover: Prover | None = None, clock: Callable[[], float] = time.time) -> None:
        self.routes = RouteTable()
        self.denials = Denials()
        self._run = run
        self._prover = prover or make_prover()
        self._clock = clock
        self._grants = GrantCache()
        self._waiting: dict[str, asyncio.Future[Grant | Absence]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._readers: dict[object, Touched] = {}

    async def load(self) -> None:
        """Read every API and deny policy. Raises `django.db.Error` when the database cannot be read."""
        self.routes = RouteTable(await self._run(load_deployments))
        self.denials = await self._run(load_denials)

    async def refresh(self, api_ids: Iterable[str]) -> set[str]:
        """Read these APIs again and swap their routes, all at once; say for which of them something changed.

        Raises `django.db.Error`.
        """
        wanted = set(api_ids)
        found = {each.api_id: each for each in await self._run(partial(load_deployments, wanted))}
        before, self.routes = self.routes, self.routes.replaced(found.values(), gone=wanted - found.keys())
        return {each for each in wanted if _fingerprint(before.get(each)) != _fingerprint(found.get(each))}

    async def refresh_denials(self) -> bool:
        """Read the deny policies again; say whether they changed. Raises `django.db.Error`."""
        before, self.denials = self.denials, await self._run(load_denials)
        return before != self.denials

    def differing_from(self, stored: Fingerprints) -> set[str]:
        """The APIs that are known otherwise than they are stored."""
        known = {each.api_id: _fingerprint(each) for each in self.routes}
        return {api_id for api_id in stored.keys() | known.keys() if stored.get(api_id) != known.get(api_id)}

    async def decide(self, handshake: Handshake) -> Admit | Refuse:
        """Admit or refuse. An admitted line must be added to the connections before anything else is awaited.

        The path is matched again after the token was looked up, because a route may change meanwhile.
        """
        match = self.routes.match(handshake.path)
        if match is None or self.denials.of_place("", handshake.client_ip):
            return authorize(handshake, match, None, self._clock(), self.denials)
        ticket, grant = await self._shown(handshake)
        match = self.routes.match(handshake.path)
        decision = authorize(handshake, match, grant, self._clock(), self.denials)
        return settle_ticket(decision, ticket) if ticket and isinstance(decision, Admit) else decision

    async def grant_for(self, token: str) -> Grant | Absence:
        """What a token grants. An expired one may still come back as a grant; `authorize` looks at the time."""
        key = digest(token)
        known = self._grants.get(key, self._clock())
        return await self._current(partial(self._grant_for, key, token)) if known is None else known

    async def grant_of(self, token_id: str) -> Grant | Absence:
        """The same by the id of the token's row."""
        return await self._current(partial(self._grant_of, token_id))

    def forget(self, touched: Touched) -> None:
        """Have what rests on these changes asked for again, also where the asking is under way."""
        self._grants.drop(touched)
        for meanwhile in self._readers.values():
            meanwhile.add(touched)

    def renew(self) -> None:
        """Have every grant asked for again at its next use; while the database is away they go on as they are."""
        self._grants.renew()

    async def _shown(self, handshake: Handshake) -> tuple[Redeemed | None, Grant | Absence | None]:
        """What the handshake's ticket was made for, if it showed one, and what its credential grants."""
        credential = handshake.credential
        if credential is None or not credential.token:
            return None, None
        if credential.way is not Way.TICKET:
            return None, await self.grant_for(credential.token)
        redeemed = await self._redeem(credential.token)
        if isinstance(redeemed, Absence):
            return None, redeemed
        return redeemed, await self.grant_of(redeemed.token_id)

    async def _redeem(self, ticket: str) -> Redeemed | Absence:
        """Use a ticket up. A made-up one costs no query, and a used one none for a while."""
        key, now = tickets.digest(ticket), self._clock()
        if self._grants.get(key, now) or not tickets.is_genuine(ticket, now):
            return Absence.TICKET
        try:
            redeemed = await self._run(partial(tickets.redeem, key, datetime.fromtimestamp(now, UTC)))
        except DatabaseError:
            return Absence.UNAVAILABLE
        self._grants.keep(key, Absence.TICKET, now)
        return redeemed or Absence.TICKET

    async def _current(self, read: Callable[[], Awaitable[Grant | Absence]]) -> Grant | Absence:
        """What `read` says, again if it rests on what changed while it was read."""
        while True:
            with self._reading() as touched:
                answer = await read()
            if not _is_stale(answer, touched):
                return answer

    @contextmanager
    def _reading(self) -> Iterator[Touched]:
        reader = object()
        self._readers[reader] = touched = Touched()
        try:
            yield touched
        finally:
            del self._readers[reader]

    async def _grant_for(self, key: str, token: str) -> Grant | Absence:
        now = self._clock()
        known = self._grants.get(key, now)
        if known is not None:
            return known
        if refused := self._prover.refuse(token, now):
            self._grants.keep(key, refused, now)
            return refused
        return await self._ask(key)

    async def _grant_of(self, token_id: str) -> Grant | Absence:
        known = self._grants.of_token(token_id)
        if known is not None:
            return known
        try:
            found = await self._run(partial(load_grants_of, token_ids=[token_id]))
        except DatabaseError:
            return Absence.UNAVAILABLE
        return found[token_id]

    async def _ask(self, key: str) -> Grant | Absence:
        answer = self._waiting.get(key)
        if answer is None:
            answer = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._asking is None:
                self._asking = asyncio.create_task(self._answer_all())
        # Shielded: the client that asked first may go away while others wait for the same answer.
        return await asyncio.shield(answer)

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[:MOST_AT_ONCE]
                for key, answer in (await self._look_up(keys)).items():
                    self._waiting.pop(key).set_result(answer)
        except Exception as error:
            for waiting in self._waiting.values():
                waiting.set_exception(error)
            self._waiting.clear()
        finally:
            self._asking = None

    async def _look_up(self, keys: list[str]) -> dict[str, Grant | Absence]:
        """Answers for these tokens, except for those touched while they were read: they are asked for again."""
        with self._reading() as touched:
            try:
                found = await self._run(partial(load_grants, digests=keys))
            except DatabaseError:
                return {key: self._grants.last_known(key) or Absence.UNAVAILABLE for key in keys}
        current = {key: answer for key, answer in found.items() if not _is_stale(answer, touched)}
        for key, answer in current.items():
            self._grants.keep(key, answer, self._clock())
        return current


def load_deployments(api_ids: Iterable[str] | None = None) -> list[Deployment]:
    """These APIs, or all, as the gateway sees them. One query."""
    rows = Api.objects.select_related("deployed_revision").order_by()
    if api_ids is not None:
        rows = rows.filter(pk__in=list(api_ids))
    return [_deployment(row) for row in rows]


def issue_ticket(admitted: Admit, now: datetime) -> IssuedTicket:
    """A ticket for what was admitted. Raises TooManyTickets."""
    return tickets.issue(
        token_id=admitted.grant.token_id,
        application_id=admitted.grant.application_id,
        api_id=admitted.route.api_id,
        origin=admitted.origin or "",
        now=now,
    )


def load_denials() -> Denials:
    """The deny policies that are switched on. One query."""
    rows = DenyPolicy.objects.filter(is_active=True).order_by()
    return Denials(Denial(*row) for row in rows.values_list("kind", "value", "subject", "invert"))


def load_fingerprints() -> Fingerprints:
    """State and deployed revision of every API, by id. One query that reads no snapshot."""
    rows = Api.objects.order_by().values_list("pk", "state", "deployed_revision_id")
    return {str(pk): (state, str(revision or "")) for pk, state, revision in rows}


def load_grants(*, digests: Iterable[str]) -> dict[str, Grant | Absence]:
    """What these tokens grant, by digest; `Absence.UNKNOWN` for those that have no row. Two queries."""
    wanted = list(digests)
    found = {row["token_checksum"]: grant for row, grant in _grants(Q(token_checksum__in=wanted))}
    return {each: found.get(each, Absence.UNKNOWN) for each in wanted}


def load_grants_of(*, token_ids: Iterable[str]) -> dict[str, Grant | Absence]:
    """What these tokens grant now, by the id of their row. Two queries for every 500."""
    wanted = list(token_ids)
    found: dict[str, Grant | Absence] = {}
    for start in range(0, len(wanted), 500):
        part = [int(each) for each in wanted[start : start + 500]]
        found |= {str(row["pk"]): grant for row, grant in _grants(Q(pk__in=part))}
    return {each: found.get(each, Absence.UNKNOWN) for each in wanted}


def count_live_lines_with(count: Callable[[str, datetime], int]) -> None:
    """Have the Publisher's impact figures ask `count` for the lines that are open to an API, by its id, at a time."""
    impact.register(lambda api: impact.Impact(live_connections=count(str(api.pk), timezone.now())))


def refuse_backend() -> Callable[[str, str, int], str]:
    """The server's policy on backends, asked with host, IP address and port: why not, or nothing. It remembers."""
    return lru_cache(maxsize=4096)(ssrf.policy().refuse)


def make_prover() -> Prover:
    """A prover with the keys that sign tokens now."""
    key = signing_key()
    public = load_pem_public_key(key.export_to_pem())
    assert isinstance(public, RSAPublicKey)  # noqa: S101  the settings make no other
    return Prover(
        keys={key.thumbprint(): public}, issuer=settings.OAUTH_ISSUER, audience=settings.ACCESS_TOKEN_AUDIENCE
    )


def _fingerprint(deployment: Deployment | None) -> tuple[str, str] | None:
    return (deployment.state, deployment.revision_id) if deployment else None


def _is_stale(answer: Grant | Absence, touched: Touched) -> bool:
    return touched.covers(answer) if isinstance(answer, Grant) else bool(touched.users)


def _deployment(row: Api) -> Deployment:
    revision = row.deployed_revision
    if revision is None:
        return _undeployed(row)
    try:
        return _deployed(row, revision.snapshot)
    except (KeyError, TypeError, ValueError, AttributeError):
        log.exception("API %s is not served: its deployed revision cannot be read", row.pk)
        return _undeployed(row)


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
    return Deployment(
        api_id=str(row.pk),
        name=snapshot["name"],
        context=snapshot["context"],
        version=snapshot["version"],
        state=row.state,
        rank=sort_key(snapshot["version"]),
        endpoints=dict(_endpoints(snapshot)),
        options=EndpointOptions.from_document(snapshot["endpoint_options"]),
        topics=TopicSet(map(_topic, snapshot["topics"])),
        revision_id=str(row.deployed_revision_id),
        is_default=snapshot["is_default_version"],
        deployed_at=row.deployed_at.timestamp() if row.deployed_at else 0.0,
        query_token=settings.QUERY_TOKENS and snapshot.get("query_token", True),
        origins=Origins(tuple(snapshot.get("origins", ())), always=(settings.PORTAL_URL,)),
    )


def _endpoints(snapshot: Mapping[str, Any]) -> Iterator[tuple[str, Endpoint]]:
    for key_type in ("PRODUCTION", "SANDBOX"):
        if endpoint := Endpoint.from_document(snapshot[key_type.lower()]):
            yield key_type, endpoint


def _topic(document: Mapping[str, Any]) -> Topic:
    return Topic(
        target=document["target"],
        verbs=tuple(document.get("verbs", ())),
        mapping=document.get("mapping", ""),
        scopes=frozenset(document.get("scopes", ())),
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
    "user_active": "user__is_active",
}


def _grants(wanted: Q) -> Iterator[tuple[dict[str, Any], Grant | Absence]]:
    columns = ("pk", "token_checksum", "scope", "expires", "user_id", "application_id", *_TOKEN_COLUMNS.values())
    rows = list(AccessToken.objects.filter(wanted).order_by().values(*columns))
    subscriptions = _subscriptions({row[_TOKEN_COLUMNS["application"]] for row in rows} - {None})
    for row in rows:
        yield row, _grant(row, subscriptions)


def _grant(row: dict[str, Any], subscriptions: Mapping[Any, dict[str, SubscriptionGrant]]) -> Grant | Absence:
    of = {name: row[column] for name, column in _TOKEN_COLUMNS.items()}
    if row["application_id"] is None:
        return Absence.UNKNOWN
    if of["application"] is None:
        return Absence.SERVICE_ACCOUNT
    if not of["owner_active"] or of["user_active"] is False:
        return Absence.DISABLED
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
        plan=of["plan"],
        limits=Limits.per_minute(of["per_minute"]),
    )


def _subscriptions(applications: set[Any]) -> dict[Any, dict[str, SubscriptionGrant]]:
    held: dict[Any, dict[str, SubscriptionGrant]] = {}
    rows = Subscription.objects.filter(application_id__in=applications).order_by()
    columns = ("pk", "application_id", "api_id", "plan__name", "state", *(f"plan__{name}" for name in _LIMITS))
    for pk, application, api, plan, state, *limits in rows.values_list(*columns):
        held.setdefault(application, {})[str(api)] = SubscriptionGrant(str(pk), plan, state, _limits(*limits))
    return held


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
}
"""The columns of a business plan, and what they are called among limits."""


@lru_cache(maxsize=1024)
def _limits(*values: Any) -> Limits:
    """The limits of a business plan, out of the columns in `_LIMITS`. Subscriptions to the same plan share one."""
    return Limits.from_document(dict(zip(_LIMITS.values(), values, strict=True)))
