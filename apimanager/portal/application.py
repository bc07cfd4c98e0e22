"""Django's answers. Each request has one thread from its first middleware to its last, of few.

Django's own handler takes a thread for every request and goes from thread to thread at each middleware: many requests
at once starve each other, and one whose client goes away may leave a thread that waits for the event loop which waits
for the thread. Here a request waits for its turn, and what hashes a password waits in another queue than pages.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from threading import Condition
from typing import Any, NamedTuple

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted, SuspiciousOperation
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import Error as DatabaseError
from django.db import connection
from django.db.backends.signals import connection_created
from django.urls import set_script_prefix

from accounts.portals import view_at
from apimanager import refusals
from core import outage
from core.postgresql.deadline import answer_within
from gateway.views.live import LivePage

PAGES = 8  # threads
PASSWORDS = 1 if len(os.sched_getaffinity(0)) <= 2 else 2  # threads; with more, pages wait for them
LET_PASS_SECONDS = 0.05  # for which a password waits while pages are made
WAITING = 500  # requests that may wait for one of them
HASHING = frozenset(
    (
        "accounts:account-deletion",
        "accounts:password",
        "accounts:password-choice",
        "accounts:sign-in",
        "accounts:sign-up",
        "registrations-api:register",
    )
)
"""Views to which a password is posted, which takes as long as a hundred pages."""


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Queue:
    """So many threads, and the requests that wait for one of them. `sentence` is for those who are too many.

    Those of the queue `first` go before, unless they keep coming: then one is answered every LET_PASS_SECONDS.
    """

    def __init__(self, threads: int, sentence: str, *, first: Queue | None = None) -> None:
        self._threads = ThreadPoolExecutor(threads, "portal")
        self._most = threads + WAITING
        self._sentence = sentence
        self._first = first
        self._known: set[Future[Answer]] = set()
        self._is_empty = Condition()

    def submit(self, path: str, work: Callable[[], Answer]) -> Future[Answer]:
        """Have the work for `path` done when it is its turn, unless it is cancelled by then."""
        if len(self._known) >= self._most:
            refused: Future[Answer] = Future()
            status = HTTPStatus.SERVICE_UNAVAILABLE
            refused.set_result(Answer(status, *refusals.answer(path, status, self._sentence)))
            return refused
        turn = self._threads.submit(partial(self._first.let_pass, work) if self._first else work)
        self._known.add(turn)
        turn.add_done_callback(self._forget)
        return turn

    def let_pass(self, work: Callable[[], Answer]) -> Answer:
        """Do the work of another queue once nothing is answered here and nobody waits for it, or it has waited."""
        with self._is_empty:
            self._is_empty.wait_for(lambda: not self._known, LET_PASS_SECONDS)
        return work()

    def _forget(self, turn: Future[Answer]) -> None:
        with self._is_empty:
            self._known.discard(turn)
            if not self._known:
                self._is_empty.notify_all()


class PortalApplication(ASGIHandler):
    """The ASGI application of the portals, OAuth and REST."""

    def __init__(self) -> None:
        self.load_middleware()
        answer_within(settings.DATABASE_SECONDS)
        connection_created.connect(lambda **_: outage.database.answered(), weak=False, dispatch_uid="portal")
        self._pages = Queue(PAGES, "The server has more to do than it can at this moment. Try again in a few seconds.")
        busy = "Very many people are signing in at this moment. Nothing was done; try again in a few seconds."
        self._passwords = Queue(PASSWORDS, busy, first=self._pages)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Requests for pages, and pages that are looked at for longer."""
        if scope["type"] == "websocket":
            await LivePage()(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, unless its client goes before its turn comes."""
        is_read = scope["method"] in ("GET", "HEAD")
        if is_read and scope["path"] == "/health":  # by the event loop, however long pages have to wait
            await _send(send, _status(HTTPStatus.OK, "ok"))
            return
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        hashes = scope["method"] == "POST" and view_at(scope["path"]) in HASHING
        queue = self._passwords if hashes else self._pages
        work = _readiness if is_read and scope["path"] == "/ready" else partial(self._answer, scope, body)
        turn = queue.submit(scope["path"], work)
        turn.add_done_callback(lambda _: body.close())
        working, leaving = asyncio.wrap_future(turn), asyncio.ensure_future(receive())
        try:
            await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not leaving.done():
                await _send(send, await working)
        finally:
            working.cancel()
            leaving.cancel()

    def _answer(self, scope: Any, body: Any) -> Answer:
        """All of a request, in one thread."""
        set_script_prefix(get_script_prefix(scope))
        try:
            request, _ = self.create_request(scope, body)
        except SuspiciousOperation:  # a query of very many fields, which is read at once if a charset is named
            request = None
        if request is None:
            status = HTTPStatus.BAD_REQUEST
            return Answer(status, *refusals.answer(scope["path"], status, "The address, or a header, cannot be read."))
        signals.request_started.send(sender=self.__class__, scope=scope)
        response: Any = self.get_response(request)
        response._handler_class = self.__class__  # whose signal `close` sends
        try:
            headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
            headers += [(b"Set-Cookie", each.OutputString().encode("ascii")) for each in response.cookies.values()]
            return Answer(response.status_code, headers, b"".join(response))
        finally:
            response.close()


async def _send(send: Any, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


def _readiness() -> Answer:
    """Whether clients should come here: not while the database is away. Who waits for a turn waits for this as well."""
    signals.request_started.send(sender=PortalApplication)  # which closes a connection that is too old
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return _status(HTTPStatus.SERVICE_UNAVAILABLE, "not ready", reason="The database does not answer.")
    finally:
        signals.request_finished.send(sender=PortalApplication)
    return _status(HTTPStatus.OK, "ready")


def _status(code: HTTPStatus, status: str, **more: str) -> Answer:
    headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
    return Answer(code, headers, json.dumps({"status": status, **more}).encode())
