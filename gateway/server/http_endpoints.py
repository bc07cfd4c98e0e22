"""What clients ask of the gateway over plain HTTP, on its own ports, with their access token.

`POST /tickets/<path of the API>` makes a one-use ticket to connect to that path with, see `devportal.tickets`.
`POST /connections/<id>/token` lets an open connection rest on the token that comes with the request.

Both answer scripts of web pages (CORS, Fetch §3.2): a ticket only those whose origin may call the API. No cookie is
looked at, so an origin that is let in gains nothing that its own token does not give it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db import Error as DatabaseError

from devportal.tickets import TooManyTickets
from gateway import refusals
from gateway.authorization.decision import Allow, refuse_token_error
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

    def with_headers(self, *headers: tuple[bytes, bytes]) -> Response:
        """The same with more headers."""
        return replace(self, headers=[*self.headers, *headers])


class HttpEndpoints:
    """Answers for one worker. `run` takes database work elsewhere."""

    def __init__(
        self,
        *,
        routing: RoutingState,
        reauthentication: Reauthentication,
        run: Runner,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._routing = routing
        self._reauthentication = reauthentication
        self._run = run
        self._clock = clock

    async def answer(self, scope: Mapping[str, Any]) -> Response | None:
        """The answer to a plain HTTP request; None when it is for others to answer."""
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        named = REAUTHENTICATION.fullmatch(path)
        if not named and not path.startswith(f"{TICKETS}/"):
            return None
        target = path if named else path.removeprefix(TICKETS)
        try:
            takes_query_token = self._routing.routes.takes_query_token
            asked = read({**scope, "path": target, "raw_path": target.encode("latin-1")}, takes_query_token)
        except Malformed as error:
            return _refused(refusals.malformed(str(error), error.code))
        if scope["method"] == "OPTIONS":
            answer = Response(200, _WHAT_SCRIPTS_MAY if asked.origin else [])
        else:
            answer = await self._serve(scope["method"], asked, named[1] if named else "")
        return _for_scripts(answer, asked.origin) if named or self._lets_in(asked) else answer

    async def _serve(self, method: str, asked: Handshake, connection_id: str) -> Response:
        if method != "POST":
            return _refused(refusals.post_only())
        if asked.credential and asked.credential.source is not CredentialSource.HEADER:
            return _refused(refusals.token_in_header_only())
        return await (self._reauthenticate(asked, connection_id) if connection_id else self._issue(asked))

    async def _issue(self, asked: Handshake) -> Response:
        decision = await self._routing.decide(asked)
        if isinstance(decision, Refusal):
            return _refused(decision)
        try:
            issued = await self._run(partial(issue_ticket, decision, datetime.fromtimestamp(self._clock(), UTC)))
        except TooManyTickets as error:
            return _refused(refusals.too_many(str(error)))
        except DatabaseError:
            return _refused(refuse_token_error(TokenError.UNAVAILABLE))
        return _said(201, _document(asked, decision, issued.ticket, issued.connection_id, issued.expires_at))

    async def _reauthenticate(self, asked: Handshake, connection_id: str) -> Response:
        credential = asked.credential
        grant = await self._routing.grant_for(credential.token) if credential and credential.token else None
        if grant is None:
            return _refused(refusals.token_missing())
        if isinstance(grant, TokenError):
            return _refused(refuse_token_error(grant))
        outcome = await self._reauthentication.reauthenticate(connection_id, grant)
        if isinstance(outcome, Refusal):
            return _refused(outcome)
        return _said(200, {"connection": connection_id, "expires_at": _moment(outcome)})

    def _lets_in(self, asked: Handshake) -> bool:
        """Whether scripts of the asking page may read the answer: all may while no API is found."""
        match = self._routing.routes.match(asked.path)
        origins = [each.origins for each in match.candidates] if match else []
        return not origins or any(each is None or each.allow(asked.origin) for each in origins)


def _document(
    asked: Handshake, admitted: Allow, ticket: str, connection_id: str, expires_at: datetime
) -> dict[str, Any]:
    """The path to connect to, with the ticket and the rest of the query in it, and the id of the connection."""
    query = "&".join(part for part in (asked.query_string.decode("latin-1"), urlencode({"ticket": ticket})) if part)
    return {
        "ticket": ticket,
        "path": f"{asked.path}?{query}",
        "connection": connection_id,
        "expires_at": _moment(expires_at.timestamp()),
        "token_expires_at": _moment(admitted.grant.expires_at),
    }


_WHAT_SCRIPTS_MAY = [
    (b"Access-Control-Allow-Methods", b"POST"),
    (b"Access-Control-Allow-Headers", b"Authorization, Content-Type"),
    (b"Access-Control-Max-Age", b"600"),
]


def _for_scripts(answer: Response, origin: str | None) -> Response:
    """The answer as a browser hands it to the script that asked."""
    if origin is None:
        return answer
    return answer.with_headers(
        (b"Access-Control-Allow-Origin", origin.encode("latin-1")),
        (b"Access-Control-Expose-Headers", b"Retry-After, WWW-Authenticate"),
        (b"Vary", b"Origin"),
    )


def _said(status: int, document: dict[str, Any]) -> Response:
    headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
    return Response(status, headers, json.dumps(document).encode())


def _refused(refusal: Refusal) -> Response:
    return Response(refusal.status, head.refusal_headers(refusal), head.refusal_body(refusal))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
