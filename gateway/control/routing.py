"""What one worker knows of routes, deny policies and tokens, in memory.

Everything that a handshake asks is answered from here. A token not seen before costs one query (shared by all that
arrive meanwhile) on a database thread; a repeated one nothing; a forged JWT none at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from django.db import Error as DatabaseError

from core import database_clock
from devportal.deny_policies import ActiveDenyPolicies
from devportal.tokens import digest
from gateway.authorization.cache import GrantCache, Key, Touched
from gateway.authorization.decision import Allow, Decided, authorize, settle_ticket, tries_out
from gateway.authorization.grants import Grant, TicketGrant, TokenError
from gateway.authorization.jwt import JwtVerifier
from gateway.control.loaders import (
    Fingerprints,
    is_genuine_ticket,
    load_deny_policies,
    load_deployments,
    load_grants,
    make_verifier,
    redeem_ticket,
    ticket_digest,
)
from gateway.database import Runner
from gateway.handshake.request import CredentialSource, Handshake
from gateway.refusals import Refusal
from gateway.routing.deployment import Deployment
from gateway.routing.table import Match, RouteTable

MOST_AT_ONCE = 200


@dataclass(eq=False, kw_only=True, repr=False)
class RoutingState:
    """What one worker knows. Used from its event loop only; `run` takes database work elsewhere.

    Nobody waits longer than `patience` seconds for a token to be looked up. `is_outdated` says whether the database has
    been away for so long that nobody is let in any more on what is remembered of a token.
    """

    run: Runner
    clock: Callable[[], float] = database_clock.clock
    patience: float | None = None
    is_outdated: Callable[[], bool] = bool
    routes: RouteTable = field(default_factory=RouteTable, init=False)
    deny_policies: ActiveDenyPolicies = field(default_factory=ActiveDenyPolicies, init=False)
    grants: GrantCache = field(default_factory=GrantCache, init=False)
    _verifier: JwtVerifier = field(default_factory=make_verifier, init=False)
    _waiting: dict[Key, asyncio.Future[Grant | TokenError]] = field(default_factory=dict, init=False)
    _asking: asyncio.Task[None] | None = field(default=None, init=False)
    _readers: dict[object, Touched] = field(default_factory=dict, init=False)

    async def load(self) -> None:
        """Read every API and deny policy. Raises `django.db.Error` when the database cannot be read."""
        self.routes = RouteTable(await self.run(load_deployments))
        self.deny_policies = await self.run(load_deny_policies)

    async def refresh(self, api_ids: Iterable[str]) -> set[str]:
        """Read these APIs again and swap their routes, all at once; say for which of them something changed.

        Raises `django.db.Error`.
        """
        wanted = set(api_ids)
        found = {each.api_id: each for each in await self.run(partial(load_deployments, wanted))}
        before = self.routes.deployments
        self.routes = self.routes.replaced(found.values(), gone=wanted - found.keys())
        return {each for each in wanted if _fingerprint(before.get(each)) != _fingerprint(found.get(each))}

    def differing_from(self, stored: Fingerprints) -> set[str]:
        """The APIs that are known otherwise than they are stored."""
        known = {each.api_id: _fingerprint(each) for each in self.routes.deployments.values()}
        return {api_id for api_id in stored.keys() | known.keys() if stored.get(api_id) != known.get(api_id)}

    async def decide(self, handshake: Handshake) -> Allow | Refusal:
        """Admit or refuse. An admitted connection must be added to the connections before anything else is awaited.

        The path is matched again after the token was looked up, because a route may change meanwhile; where it means
        other APIs then, the token is asked about those.
        """
        match = self.routes.match(handshake.path)
        is_here = match or self.routes.trial(handshake.path) or self._may_try(handshake)
        if not is_here or self.deny_policies.of_place("", handshake.client_ip):
            return authorize(handshake, match, None, self.clock(), self.deny_policies)
        credential = handshake.credential
        token = credential.token if credential else ""
        ticket: TicketGrant | None = None
        grant: Grant | TokenError | None = None
        if credential and token and credential.source is CredentialSource.TICKET:
            redeemed = await self._redeem(token)
            if isinstance(redeemed, TicketGrant):
                ticket = redeemed
            else:
                grant, token = redeemed, ""
        while token:
            asked = match.api_ids if match else ()
            grant = await (self.grant_of(ticket.token_id, asked) if ticket else self.grant_for(token, asked))
            match = self.routes.match(handshake.path)
            if match is None or match.api_ids == asked:
                break
        if isinstance(grant, Grant) and grant.internal_copy:
            match = await self._working_copy(handshake.path, grant)
        elif match is None and (trial := self.routes.trial(handshake.path)) and tries_out(grant, trial.candidates[0]):
            match = trial  # to all others it is not there
        decision = authorize(handshake, match, grant, self.clock(), self.deny_policies)
        return settle_ticket(decision, ticket) if ticket and isinstance(decision, Allow) else decision

    def decide_now(self, handshake: Handshake) -> Decided | None:
        """Let a client in where all is known and nothing out of the ordinary; None: `decide` has to find out."""
        credential, match = handshake.credential, self.routes.match(handshake.path)
        if match is None or credential is None or not credential.token or credential.source is CredentialSource.TICKET:
            return None
        now, key = self.clock(), (digest(credential.token), match.api_ids)
        grant = self.grants.get(key, now)
        if not isinstance(grant, Grant) or grant.internal_copy or self.is_outdated():
            return None
        decision = authorize(handshake, match, grant, now, self.deny_policies)
        if not isinstance(decision, Allow):
            return None
        return Decided(decision, key, self.routes.version, self.deny_policies.version)

    def stands(self, decided: Decided) -> bool:
        """Whether the same handshake would be decided alike: all that the decision rests on is the very same."""
        now = self.clock()
        grant = decided.allowed.grant
        return (
            decided.routes is self.routes.version
            and decided.deny_policies is self.deny_policies.version
            and self.grants.get(decided.key, now) is grant
            and now < grant.expires_at
            and not self.is_outdated()
        )

    def _may_try(self, handshake: Handshake) -> bool:
        """Whether a path that leads nowhere may lead to a working copy: with our ticket, or where one is known."""
        credential = handshake.credential
        if credential and credential.source is CredentialSource.TICKET:
            return is_genuine_ticket(credential.token, self.clock())
        return any(self.routes.tried(handshake.path, api_id) for api_id in self.routes.working_copies)

    async def _working_copy(self, path: str, grant: Grant) -> Match | None:
        """The way to the working copy that a key names, which is read now where the audit log has not told of it yet.

        Only the copy is taken in: of all else the connections that it touches must hear, and they do by the log.
        """
        known = self.routes.deployments.get(grant.internal_api)
        copy = known.working_copy if known else None
        if known and (copy is None or copy.revision_id != grant.internal_copy):
            with suppress(DatabaseError):
                found = await self.run(partial(load_deployments, [grant.internal_api]))
                if (now_known := self.routes.deployments.get(grant.internal_api)) and found:
                    self.routes = self.routes.replaced([replace(now_known, working_copy=found[0].working_copy)])
        return self.routes.tried(path, grant.internal_api)

    def redacted_of(self, api_id: str) -> tuple[str, ...] | None:
        """The fields of an API's payloads that may not be kept; None where the API is not known."""
        known = self.routes.deployments.get(api_id)
        return known.redacted if known else None

    def concerns(self, handshake: Handshake) -> tuple[str, str]:
        """The ids of the API and the application that a handshake is about, as far as memory says: empty where not."""
        credential, match = handshake.credential, self.routes.match(handshake.path)
        known: Grant | None = None
        if credential and credential.token:
            key = (digest(credential.token), match.api_ids if match else ())
            known = self.grants.last_known(key) or self.grants.any_known(key[0])
        subscribed = (known.subscriptions.keys(),) if known else ()
        route = match.route(*subscribed) if match else None
        return route.api_id if route else "", known.application_id if known else ""

    async def grant_for(self, token: str, api_ids: tuple[str, ...] = ()) -> Grant | TokenError:
        """What a token grants on these APIs. An expired one may still come back; `authorize` looks at the time."""
        key = (digest(token), api_ids)
        while True:
            now = self.clock()
            known = self.grants.get(key, now)
            if known is not None and not self.is_outdated():
                return known
            if refused := self._verifier.refuse(token, now):
                self.grants.keep(key, refused, now)
                return refused
            with self._reading() as touched:
                waiting = self._waiting.get(key)
                if waiting is None:
                    waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
                    if self._asking is None:
                        self._asking = asyncio.create_task(self._answer_all())
                # The client that asked first may go away while others wait for the same answer, which is not cancelled.
                is_answered = (await asyncio.wait((waiting,), timeout=self.patience))[0]
                answer = waiting.result() if is_answered else self._last_known(key)
            if not _is_stale(answer, touched):
                return answer

    async def grant_of(self, token_id: str, api_ids: tuple[str, ...]) -> Grant | TokenError:
        """The same by the id of the token's row."""
        while True:
            known = self.grants.of_token(token_id, api_ids)
            if known is not None and not self.is_outdated():
                return known
            with self._reading() as touched:
                try:
                    found = await self.run(partial(load_grants, asked=[(token_id, api_ids)], named_by="pk"))
                    answer = found[token_id, api_ids]
                except DatabaseError:
                    answer = TokenError.UNAVAILABLE
            if not _is_stale(answer, touched):
                return answer

    def forget(self, touched: Touched) -> None:
        """Have what rests on these changes asked for again, also where the asking is under way."""
        self.grants.drop(touched)
        for meanwhile in self._readers.values():
            meanwhile.add(touched)

    async def _redeem(self, ticket: str) -> TicketGrant | TokenError:
        """Use a ticket up. A made-up one costs no query, and a used one none for a while."""
        used, now = ticket_digest(ticket), self.clock()
        if self.grants.get((used, ()), now) or not is_genuine_ticket(ticket, now):
            return TokenError.TICKET
        try:
            redeemed = await self.run(partial(redeem_ticket, used, now))
        except DatabaseError:
            return TokenError.UNAVAILABLE
        self.grants.keep((used, ()), TokenError.TICKET, now)
        return redeemed or TokenError.TICKET

    @contextmanager
    def _reading(self) -> Iterator[Touched]:
        """What changes meanwhile: an answer that rests on it has to be asked for again."""
        reader = object()
        self._readers[reader] = touched = Touched()
        try:
            yield touched
        finally:
            del self._readers[reader]

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[:MOST_AT_ONCE]
                with self._reading() as touched:
                    try:
                        found = await self.run(partial(load_grants, asked=keys))
                    except DatabaseError:
                        answers = {key: self._last_known(key) for key in keys}
                    else:  # those that were touched while they were read are asked for again
                        answers = {key: answer for key, answer in found.items() if not _is_stale(answer, touched)}
                        for key, answer in answers.items():
                            self.grants.keep(key, answer, self.clock())
                for key, answer in answers.items():
                    self._waiting.pop(key).set_result(answer)
        except Exception as error:
            for waiting in self._waiting.values():
                waiting.set_exception(error)
            self._waiting.clear()
        finally:
            self._asking = None

    def _last_known(self, key: Key) -> Grant | TokenError:
        known = None if self.is_outdated() else self.grants.last_known(key)
        return known or TokenError.UNAVAILABLE


def _fingerprint(deployment: Deployment | None) -> tuple[str, str] | None:
    return (deployment.state, deployment.revision_id) if deployment else None


def _is_stale(answer: Grant | TokenError, touched: Touched) -> bool:
    return touched.covers(answer) if isinstance(answer, Grant) else bool(touched.users)
