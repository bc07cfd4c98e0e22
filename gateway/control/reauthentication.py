"""A connection that outlives its token: the client hands over another one, to whichever worker it reaches.

The worker that is asked looks among its own connections first. If it is another's, it writes a request (a row of
`ReauthenticationRequest` and one of the audit log) and waits for the worker that holds the connection to read the log
and write its answer there.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import Error as DatabaseError
from django.db import transaction

from core import audit, database_clock
from gateway import refusals
from gateway.authorization.decision import OTHER_TOKEN, Allow, reauthenticate, refuse_token_error
from gateway.authorization.grants import Grant, TokenError
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.connections.verbs import REAUTHENTICATION_ASKED
from gateway.control.loaders import person_behind
from gateway.control.routing import RoutingState
from gateway.database import Runner
from gateway.models import ConnectionRecord, ReauthenticationRequest
from gateway.refusals import Refusal

PATIENCE_SECONDS = 3.0
LOOK_SECONDS = 0.1
KEPT_SECONDS = 60.0
ANSWERED_SECONDS = 60.0  # long after anybody waits, for hosts whose clocks differ
LOOKS = (0.3, 0.3, 0.6, 0.6)  # seconds from one look to the next
MOST_WAITING = 50


@dataclass(eq=False, kw_only=True, repr=False)
class Reauthentication:
    """Gives connections of this worker another token, and asks the others to do so with theirs.

    `run` takes database work elsewhere. `patience` is how many seconds the others have to answer.
    """

    routing: RoutingState
    connections: ConnectionRegistry
    run: Runner
    clock: Callable[[], float] = database_clock.clock
    patience: float = PATIENCE_SECONDS
    _waiting: Counter[str] = field(default_factory=Counter, init=False)  # by application

    async def reauthenticate(self, connection_id: str, grant: Grant) -> float | Refusal:
        """Let a connection rest on another token: until when, in seconds since the epoch, or why not."""
        if connection := self.connections.by_id.get(connection_id):
            here = await self.routing.grant_of(grant.token_id, (connection.api_id,))
            if connection.is_ending or not self.connections.by_id.get(connection_id):
                return refusals.NO_SUCH_CONNECTION
            decision = self._settle(connection, here)
            return decision if isinstance(decision, Refusal) else decision.grant.expires_at
        application = grant.application_id
        # An application may have half of the places that others leave: there is one for whoever comes next.
        own, every = self._waiting[application], self._waiting.total()
        if every >= MOST_WAITING or 2 * own >= MOST_WAITING - (every - own):
            return refusals.SERVER_FULL
        self._waiting[application] += 1
        try:
            if refusal := await self._refuse_unknown(connection_id, grant):
                return refusal
            renewal_id = await self.run(partial(ask, connection_id, grant))
            request = ReauthenticationRequest.objects.filter(pk=renewal_id).values_list("answer", flat=True)
            deadline = asyncio.get_running_loop().time() + self.patience
            while asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(LOOK_SECONDS)
                answer: dict[str, Any] | None = await self.run(request.first)
                if answer and "expires_at" in answer:
                    return float(answer["expires_at"])
                if answer:
                    return Refusal(**{**answer, "headers": tuple(map(tuple, answer["headers"]))})
            return refusals.NO_SUCH_CONNECTION
        except DatabaseError:
            return refuse_token_error(TokenError.UNAVAILABLE)
        finally:
            self._waiting[application] -= 1
            self._waiting += Counter()  # forgets those who wait for nothing

    async def answer(self, connection_id: str, asked: Mapping[str, str]) -> None:
        """Give a connection of this worker another token: the audit log says that somebody asked another worker.

        Once only, and not after whoever asked has given up: the log may be read again. Raises `django.db.Error`.
        """
        connection = self.connections.by_id.get(connection_id)
        if connection is None or connection.is_ending:
            return
        asked_after = datetime.fromtimestamp(self.clock() - ANSWERED_SECONDS, UTC)
        request = ReauthenticationRequest.objects.filter(pk=asked["renewal_id"], answer={}, asked_at__gt=asked_after)
        if not await self.run(request.exists):
            return
        grant = await self.routing.grant_of(asked["token_id"], (connection.api_id,))
        decision = self._settle(connection, grant)
        said = {"expires_at": decision.grant.expires_at} if isinstance(decision, Allow) else asdict(decision)
        await self.run(partial(request.update, answer=said))

    async def _refuse_unknown(self, connection_id: str, grant: Grant) -> Refusal | None:
        """Why nobody need be asked: before anything is written, the connection's own row is looked for.

        That is written a second after the connection was opened.
        """
        for wait in (0.0, *LOOKS):
            await asyncio.sleep(wait)
            if row := await self.run(ConnectionRecord.objects.filter(pk=connection_id).first):
                if (row.application_id, row.key_type) != (grant.application_id, grant.key_type):
                    return OTHER_TOKEN
                return refusals.NO_SUCH_CONNECTION if row.ended_at else None
        return refusals.NO_SUCH_CONNECTION

    def _settle(self, connection: Connection, grant: Grant | TokenError) -> Allow | Refusal:
        if isinstance(grant, TokenError):
            return refuse_token_error(grant)
        deployment = self.routing.routes.deployments.get(connection.api_id)
        decision = reauthenticate(connection.admitted, deployment, grant, self.clock(), self.routing.deny_policies)
        if isinstance(decision, Allow):
            self.connections.move(connection, decision)
        return decision


def ask(connection_id: str, grant: Grant) -> uuid.UUID:
    """Write down that somebody wants this connection to rest on the token of this grant."""
    now = database_clock.now()
    with transaction.atomic():
        ReauthenticationRequest.objects.filter(asked_at__lt=now - timedelta(seconds=KEPT_SECONDS)).delete()
        row = ReauthenticationRequest.objects.create(connection_id=connection_id, token_id=grant.token_id, asked_at=now)
        audit.record(
            actor=person_behind(grant),
            verb=REAUTHENTICATION_ASKED,
            kind="connection",
            object_id=connection_id,
            detail={
                "renewal_id": str(row.pk),
                "token_id": grant.token_id,
                "application_id": grant.application_id,
            },
            now=now,
        )
    return row.pk
