"""What clients ask of the gateway over plain HTTP, on its own ports, with their access token.

`POST /tickets/<path of the API>` makes a one-use ticket to connect to that path with, see `devportal.tickets`.
`POST /connections/<id>/token` lets an open connection rest on the token that comes with the request.

Both answer scripts of web pages (CORS, Fetch §3.2): a ticket only those whose origin may call the API. No cookie is
looked at, so an origin that is let in gains nothing that its own token does not give it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db import Error as DatabaseError

from core import database_clock
from devportal.tickets import TooManyTickets
from gateway import refusals
from gateway.authorization.decision import refuse_token_error
from gateway.authorization.grants import TokenError
from gateway.control.loaders import issue_ticket
from gateway.control.reauthentication import Reauthentication
from gateway.control.routing import RoutingState
from gateway.database import Runner
from gateway.handshake import head
from gateway.handshake.request import CredentialSource, Handshake, Malformed, read
from gateway.refusals import Refusal

TICKETS = "/tickets"
REAUTHENTICATION = re.compile(r"/connections/([0-9a-f]{32})/token")

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer over plain HTTP."""

    status: int
    headers: Headers
    body: bytes = b""


@dataclass(eq=False, kw_only=True, repr=False)
class HttpEndpoints:
    """Answers for one worker. `run` takes database work elsewhere."""

    routing: RoutingState
    reauthentication: Reauthentication
    run: Runner
    clock: Callable[[], float] = database_clock.clock

    async def answer(self, scope: Mapping[str, Any]) -> Response | None:
        """The answer to a plain HTTP request; None when it is for others to answer."""
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        named = REAUTHENTICATION.fullmatch(path)
        if not named and not path.startswith(f"{TICKETS}/"):
            return None
        target = path if named else path.removeprefix(TICKETS)
        try:
            takes_query_token = self.routing.routes.takes_query_token
            asked = read({**scope, "path": target, "raw_path": target.encode("latin-1")}, takes_query_token)
        except Malformed as error:
            return _refused(refusals.malformed(str(error), error.code))
        if scope["method"] == "OPTIONS":
            answer = Response(200, _WHAT_SCRIPTS_MAY if asked.origin else [])
        elif scope["method"] != "POST":
            answer = _refused(refusals.POST_ONLY)
        elif asked.credential and asked.credential.source is not CredentialSource.HEADER:
            answer = _refused(refusals.TOKEN_IN_HEADER_ONLY)
        else:
            answer = await (self._reauthenticate(asked, named[1]) if named else self._issue(asked))
        # A browser hands a ticket's answer to scripts of pages that may call the API, and to all while there is none.
        match = None if named else self.routing.routes.match(asked.path)
        origins = [each.design.origins for each in match.candidates] if match else []
        if asked.origin is None or (origins and not any(each is None or each.allow(asked.origin) for each in origins)):
            return answer
        told = [(b"Access-Control-Allow-Origin", asked.origin.encode("latin-1")), *_WHAT_SCRIPTS_SEE]
        return replace(answer, headers=[*answer.headers, *told])

    async def _issue(self, asked: Handshake) -> Response:
        decision = await self.routing.decide(asked)
        if isinstance(decision, Refusal):
            return _refused(decision)
        try:
            issued = await self.run(partial(issue_ticket, decision, datetime.fromtimestamp(self.clock(), UTC)))
        except TooManyTickets as error:
            return _refused(refusals.too_many(str(error)))
        except DatabaseError:
            return _refused(refuse_token_error(TokenError.UNAVAILABLE))
        shown = urlencode({"ticket": issued.ticket})
        query = "&".join(part for part in (asked.query_string.decode("latin-1"), shown) if part)
        document = {
            "ticket": issued.ticket,
            "path": f"{asked.path}?{query}",
            "connection": issued.connection_id,
            "expires_at": _moment(issued.expires_at.timestamp()),
            "token_expires_at": _moment(decision.grant.expires_at),
        }
        return _said(201, document)

    async def _reauthenticate(self, asked: Handshake, connection_id: str) -> Response:
        credential = asked.credential
        grant = await self.routing.grant_for(credential.token) if credential and credential.token else None
        if grant is None:
            return _refused(refusals.TOKEN_MISSING)
        if isinstance(grant, TokenError):
            return _refused(refuse_token_error(grant))
        outcome = await self.reauthentication.reauthenticate(connection_id, grant)
        if isinstance(outcome, Refusal):
            return _refused(outcome)
        return _said(200, {"connection": connection_id, "expires_at": _moment(outcome)})


_WHAT_SCRIPTS_MAY = [
    (b"Access-Control-Allow-Methods", b"POST"),
    (b"Access-Control-Allow-Headers", b"Authorization, Content-Type"),
    (b"Access-Control-Max-Age", b"600"),
]
_WHAT_SCRIPTS_SEE = [
    (b"Access-Control-Expose-Headers", b"Retry-After, WWW-Authenticate"),
    (b"Vary", b"Origin"),
]


def _said(status: int, document: dict[str, Any]) -> Response:
    headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
    return Response(status, headers, json.dumps(document).encode())


def _refused(refusal: Refusal) -> Response:
    return Response(refusal.status, head.refusal_headers(refusal), head.refusal_body(refusal))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
