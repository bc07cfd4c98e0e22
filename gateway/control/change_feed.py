"""Follows the audit log: keeps the routing state up to date and closes what has lost its right, within a second.

A step every 200 ms reads the rows that are new, unless nobody has written anything. Only what they name is read again
and reconsidered; nothing else is touched. Once a minute everything is compared with the database, in case a row was
missed. While the database cannot be read the worker goes on from memory, and catches up afterwards. A database that was
restored has forgotten rows that were read, and gives their ids to others: the worker notices, and starts over. Tokens
end by the clock, database or not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from functools import partial
from itertools import chain

from django.db import Error as DatabaseError

from core import database_clock
from gateway import close_codes, refusals
from gateway.authorization.cache import Key, Touched
from gateway.authorization.decision import is_denied, reconsider
from gateway.authorization.grants import Grant, TokenError
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.control.feed import FeedCursor, touched_by
from gateway.control.feed_rows import MOST_ROWS, Unread, read_rows, read_tail, read_unread
from gateway.control.loaders import load_deny_policies, load_fingerprints, load_grants
from gateway.control.routing import RoutingState
from gateway.database import TURN_SECONDS, Runner, WriteMark
from gateway.pulse import rest
from gateway.refusals import Refusal

POLL_SECONDS = 0.2
AWAY_SECONDS = 1.0
AGAIN_SECONDS = 5.0  # after which the log is read, whether or not it seems that anybody has written
RECONCILE_SECONDS = 60.0
CONNECTIONS_AT_ONCE = 500  # about 20 ms: the Close goes out to all of them before the first has to be cleared away

log = logging.getLogger("gateway.change_feed")


class ChangeFeed:
    """Keeps one worker true to the database. `run` takes database work to a thread of its own.

    `reauthenticate(connection id, what was asked)` is called for each request to go on with another token,
    `readmitted(connection)` when something changed under a connection that may stay, `restored()` when the database has
    gone back in time: whatever was written down may be gone. `record()` reads what is to be recorded. `mark` tells that
    there is nothing to read.
    """

    def __init__(
        self,
        *,
        routing: RoutingState,
        connections: ConnectionRegistry,
        run: Runner,
        reauthenticate: Callable[[str, Mapping[str, str]], Awaitable[None]] | None = None,
        readmitted: Callable[[Connection], None] | None = None,
        restored: Callable[[], None] | None = None,
        record: Callable[[], Awaitable[None]] | None = None,
        mark: WriteMark | None = None,
        clock: Callable[[], float] = database_clock.clock,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._routing = routing
        self._connections = connections
        self._run = run
        self._reauthenticate = reauthenticate
        self._readmitted = readmitted or (lambda connection: None)
        self._restored = restored or (lambda: None)
        self._record = record
        self._mark = mark
        self._read_mark: Hashable = None
        self._clock = clock
        self._elapsed = elapsed
        self._seen: FeedCursor  # from `start` on
        self._is_away = False
        self._reconciled_at = self._true_at = self._read_at = elapsed()

    def age(self) -> float:
        """For how many seconds what is known has not been compared with the database: a fraction when all is well."""
        return self._elapsed() - self._true_at

    async def start(self) -> None:
        """Read everything once. Raises `django.db.Error` when the database cannot be read."""
        # The place in the audit log first: what is written while the routes are read is then read again.
        self._seen = FeedCursor(*await self._run(read_tail), self._elapsed())
        await self._routing.load()
        if self._record:
            await self._record()
        self._true_at = self._elapsed()

    async def follow(self) -> None:
        """Follow the audit log until cancelled."""
        while True:
            await self.step()
            seconds, until = (AWAY_SECONDS, None) if self._is_away else (POLL_SECONDS, self._is_due)
            await rest(seconds, until)

    async def step(self) -> None:
        """Read what is new and act on it. Never raises: what fails now is caught up with later.

        Of a database that is away the log hears from whoever asks it, see `core.outage`.
        """
        begun_at = self._elapsed()
        try:
            if self._is_away or self._elapsed() - self._reconciled_at >= RECONCILE_SECONDS:
                await self.reconcile()
            mark = self._mark.at_once() if self._mark else None
            is_new = mark is None or mark != self._read_mark or begun_at - self._read_at >= AGAIN_SECONDS
            if is_new or self._is_away:
                mark, found = await self._run(partial(self._read, mark))
                if found is None:
                    await self._start_over()
                else:
                    unread, rows = found
                    if len(unread) > MOST_ROWS:
                        await self.reconcile()
                    if rows:
                        await self._apply(touched_by(rows))
                    self._seen.mark(unread, self._elapsed())
                self._read_mark, self._read_at = mark, begun_at
        except DatabaseError:
            self._is_away = True
        except Exception:
            if not self._is_away:
                log.exception("The audit log cannot be followed; serving from memory until it can")
            self._is_away = True
        else:
            self._is_away = False
            self._true_at = begun_at

    def _is_due(self) -> bool:
        """Whether a step would do anything; where it would not, what is known has been found to be true."""
        now = self._elapsed()
        if now - self._reconciled_at >= RECONCILE_SECONDS or now - self._read_at >= AGAIN_SECONDS:
            return True
        mark = self._mark.at_once(TURN_SECONDS) if self._mark else None
        if mark is None or mark != self._read_mark:
            return True
        self._true_at = now
        return False

    async def reconcile(self) -> None:
        """Compare every route and the token of every open connection with the database. Raises `django.db.Error`."""
        stored = await self._run(load_fingerprints)
        self._routing.grants.revalidate()
        await self._refresh_routes(self._routing.differing_from(stored))
        await self._refresh_deny_policies()
        if self._record:
            await self._record()
        await self._refresh_grants(list(self._connections))
        self._reconciled_at = self._elapsed()

    def _read(self, mark: Hashable) -> tuple[Hashable, Unread | None]:
        """What is new, and the mark that was there before it was asked for. On a thread of the database's."""
        if self._mark and mark is None:
            mark = self._mark.read()
            is_old = mark is not None and mark == self._read_mark and not self._is_away
            if is_old and self._elapsed() - self._read_at < AGAIN_SECONDS:
                return mark, ({}, [])
        return mark, read_unread(self._seen)

    async def _start_over(self) -> None:
        """Follow another log from now on. Nobody knows what has changed, so everything is compared with the database.

        Only orders are found by no comparison. Those at the end of the log are followed, also if they were before: what
        was closed stays closed, and an answered request for re-authentication is not answered again.
        """
        floor, rows = await self._run(read_tail)
        orders = await self._run(partial(read_rows, list(rows), only_orders=True))
        await self.reconcile()
        await self._apply(touched_by(orders))
        self._restored()
        self._seen = FeedCursor(floor, rows, self._elapsed())
        log.warning(
            "The audit log no longer holds what was read of it, so the database was restored or replaced; everything "
            "has been compared with it, and the log is followed from entry %d on.",
            max(rows, default=0),
        )

    def has_expired(self) -> bool:
        """Whether there may be a connection whose token has ended by now."""
        return self._connections.has_expired(self._clock())

    async def close_expired(self) -> None:
        """Close the connections whose token has ended by now."""
        await self._reconsider(self._connections.expired(self._clock()), {})

    async def _apply(self, touched: Touched) -> None:
        self._routing.forget(touched)
        for connection_id, reason in touched.closings.items():
            if connection := self._connections.by_id.get(connection_id):
                _close(connection, close_codes.BY_OPERATOR.because(reason))
        loop = asyncio.get_running_loop()
        for api_id, asked in touched.drains.items():
            # One after the other. Who has come since it was asked for stays: clients come back, and not to go again.
            leaving = [each for each in self._connections.by_api.get(api_id, ()) if each.opened_at <= asked["before"]]
            for number, connection in enumerate(leaving):
                close = partial(_close, connection, close_codes.DRAINED, again=False)
                loop.call_later(asked["seconds"] * number / len(leaving), close)
        await self._refresh_routes(touched.apis)
        if touched.deny_policies:
            await self._refresh_deny_policies()
        if touched.recordings and self._record:
            await self._record()
        if touched.users or touched.plans or touched.application_plans:
            resting = [connection for connection in self._connections if touched.covers(connection.admitted.grant)]
        else:
            of_applications = (self._connections.by_application.get(each, ()) for each in touched.applications)
            of_tokens = (self._connections.by_token.get(each, ()) for each in touched.tokens)
            resting = list(dict.fromkeys(chain(*of_applications, *of_tokens)))
        await self._refresh_grants(resting)
        if self._reauthenticate:
            for connection_id, request in touched.reauthentications.items():
                await self._reauthenticate(connection_id, request)

    async def _refresh_routes(self, api_ids: set[str]) -> None:
        if api_ids:
            changed = await self._routing.refresh(api_ids)
            await self._reconsider([each for api in changed for each in self._connections.by_api.get(api, ())], {})

    async def _refresh_deny_policies(self) -> None:
        before, now = self._routing.deny_policies, await self._run(load_deny_policies)
        self._routing.deny_policies = now
        if before != now:
            await self._reconsider([each for each in self._connections if is_denied(each.admitted, now)], {})

    async def _refresh_grants(self, connections: list[Connection]) -> None:
        """Ask again for the tokens of these connections. Listed before asking: no answer is older than a connection."""
        if connections:
            asked = {_asked(connection) for connection in connections}
            grants = await self._run(partial(load_grants, asked=asked, named_by="pk"))
            changed = [each for each in connections if grants.get(_asked(each)) not in (None, each.admitted.grant)]
            # A restored database gives the numbers of tokens out again: those of somebody else's are unknown.
            own = [(_asked(each), each.admitted.grant.client_id) for each in changed]
            others = {key for key, client in own if isinstance(now := grants[key], Grant) and now.client_id != client}
            await self._reconsider(changed, {**grants, **dict.fromkeys(others, TokenError.UNKNOWN)})

    async def _reconsider(self, connections: Iterable[Connection], grants: Mapping[Key, Grant | TokenError]) -> None:
        for count, connection in enumerate(connections, start=1):
            grant = grants.get(_asked(connection), connection.admitted.grant)
            deployment = self._routing.routes.deployments.get(connection.api_id)
            decision = reconsider(connection.admitted, deployment, grant, self._clock(), self._routing.deny_policies)
            if isinstance(decision, Refusal):
                _close(connection, refusals.close_for(decision))
            elif decision is not None:
                connection.admitted = decision
                self._readmitted(connection)
            if count % CONNECTIONS_AT_ONCE == 0:
                await asyncio.sleep(0)


def _asked(connection: Connection) -> Key:
    """What has to be known of a connection's token: what it grants on the API that it is connected to."""
    return connection.admitted.grant.token_id, (connection.api_id,)


def _close(connection: Connection, close: close_codes.Close, *, again: bool = True) -> None:
    """Close it, unless that was done before and is not to be done `again`."""
    if connection.is_ending and not again:
        return
    connection.is_ending = True
    try:
        connection.close(close.code, close.reason)
    except Exception:
        # One connection that cannot be closed must not keep the next from being closed.
        log.exception("Connection %s could not be closed with %d", connection.id, close.code)
