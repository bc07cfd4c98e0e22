"""A connection that outlives its token: the client hands over another one, to whichever worker it reaches.

The worker that is asked looks among its own lines first. If the line is another's, it writes a wish (a row of `Renewal`
and one on the trail) and waits for the worker that holds the line to follow the trail and write its answer there.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from core import audit
from gateway import closing
from gateway.authorization import Absence, Admit, Grant, Refuse, refuse_absence, renew
from gateway.catalogue import Catalogue
from gateway.connections import Connections, Line
from gateway.database import Runner
from gateway.models import Renewal
from gateway.trail import RENEWAL_ASKED

PATIENCE_SECONDS = 3.0
LOOK_SECONDS = 0.1
KEPT_SECONDS = 60.0
MOST_WAITING = 50


class Renewals:
    """Renews lines of this worker, and asks the others to renew theirs. `run` takes database work elsewhere.

    `patience` is how many seconds the others have to answer.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        connections: Connections,
        run: Runner,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._catalogue = catalogue
        self._connections = connections
        self._run = run
        self._clock = clock
        self.patience = patience
        self._waiting = 0

    async def renew(self, connection_id: str, grant: Grant) -> float | Refuse:
        """Let a connection rest on another token: until when, in seconds since the epoch, or why not."""
        if line := self._connections.get(connection_id):
            decision = self._settle(line, grant)
            return decision if isinstance(decision, Refuse) else decision.grant.expires_at
        if self._waiting >= MOST_WAITING:
            return closing.server_full()
        self._waiting += 1
        try:
            return await self._ask_the_others(connection_id, grant)
        except DatabaseError:
            return refuse_absence(Absence.UNAVAILABLE)
        finally:
            self._waiting -= 1

    async def answer(self, connection_id: str, asked: Mapping[str, str]) -> None:
        """Renew a line of this worker, if it is one, because the trail says that somebody asked another worker.

        Raises `django.db.Error`.
        """
        line = self._connections.get(connection_id)
        if line is None:
            return
        grant = await self._catalogue.grant_of(asked["token_id"])
        decision = self._settle(line, grant) if isinstance(grant, Grant) else refuse_absence(grant)
        await self._run(partial(write_answer, asked["renewal_id"], _said(decision)))

    def _settle(self, line: Line, grant: Grant) -> Admit | Refuse:
        deployment = self._catalogue.routes.get(line.api_id)
        decision = renew(line.admitted, deployment, grant, self._clock(), self._catalogue.denials)
        if isinstance(decision, Admit):
            self._connections.move(line, decision)
        return decision

    async def _ask_the_others(self, connection_id: str, grant: Grant) -> float | Refuse:
        renewal_id = await self._run(partial(ask, connection_id, grant))
        deadline = asyncio.get_running_loop().time() + self.patience
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
            if answer := await self._run(partial(read_answer, renewal_id)):
                return _heard(answer)
        return closing.no_such_connection()


def ask(connection_id: str, grant: Grant) -> uuid.UUID:
    """Write down that somebody wants this connection to rest on the token of this grant."""
    now = timezone.now()
    person = User.objects.filter(pk=grant.user_id or grant.owner_id).first()
    with transaction.atomic():
        Renewal.objects.filter(asked_at__lt=now - timedelta(seconds=KEPT_SECONDS)).delete()
        row = Renewal.objects.create(connection_id=connection_id, token_id=grant.token_id, asked_at=now)
        audit.record(
            actor=person,
            verb=RENEWAL_ASKED,
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


def read_answer(renewal_id: uuid.UUID) -> dict[str, Any]:
    """What the worker that holds the connection said; empty while it has not."""
    answer: dict[str, Any] | None = Renewal.objects.filter(pk=renewal_id).values_list("answer", flat=True).first()
    return answer or {}


def write_answer(renewal_id: str, answer: dict[str, Any]) -> None:
    """Say what has become of a wish."""
    Renewal.objects.filter(pk=renewal_id).update(answer=answer)


def _said(decision: Admit | Refuse) -> dict[str, Any]:
    if isinstance(decision, Admit):
        return {"expires_at": decision.grant.expires_at}
    return {
        "status": decision.status,
        "code": decision.code,
        "message": decision.message,
        "description": decision.description,
        "headers": [list(header) for header in decision.headers],
    }


def _heard(answer: dict[str, Any]) -> float | Refuse:
    if "expires_at" in answer:
        return float(answer["expires_at"])
    headers = tuple((name, value) for name, value in answer["headers"])
    return Refuse(answer["status"], answer["code"], answer["message"], answer["description"], headers)
