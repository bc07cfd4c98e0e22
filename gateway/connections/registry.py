"""Who is connected to this worker, by API, application and token. Touched only from the worker's event loop."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field

from gateway.authorization.decision import Allow
from gateway.quotas.admission import Admission
from gateway.relay.messages import MessageRelay
from gateway.relay.splice import Relay

LEAST_SWEPT = 1024


class Connection:
    """One client that was let in: from the moment it was, through the dial of the backend, until it is gone.

    `close(code, reason)` ends it, whatever it is doing; it must not wait and must not raise. `admitted` is the latest
    decision about it. `opened_at`, and `active_at` when something was seen to pass last, are in seconds since the
    epoch. `relay` is there once its backend has answered, `admission` while it draws from plans.
    """

    __slots__ = (
        "active_at",
        "admission",
        "admitted",
        "api_id",
        "application_id",
        "client_ip",
        "close",
        "id",
        "is_ending",
        "opened_at",
        "relay",
        "subprotocol",
    )

    def __init__(
        self, connection_id: str, admitted: Allow, close: Callable[[int, str], None], client_ip: str, opened_at: float
    ) -> None:
        self.id = connection_id
        self.admitted = admitted
        self.api_id = admitted.route.deployment.api_id  # neither this nor the application ever changes
        self.application_id = admitted.grant.application_id
        self.close = close
        self.client_ip = client_ip
        self.opened_at = self.active_at = opened_at
        self.subprotocol = ""
        self.relay: Relay | MessageRelay | None = None
        self.admission: Admission | None = None
        self.is_ending = False  # it was told to close, and waits for the client's Close: no token saves it now


@dataclass(eq=False, repr=False)
class ExpiryQueue:
    """When which token ends: one entry a token, however often its connections come and go.

    The `heap` also holds tokens without connections that were not swept out yet.
    """

    heap: list[tuple[float, str]] = field(default_factory=list, init=False)
    _entered: set[str] = field(default_factory=set, init=False)
    _sweep_at: int = field(default=LEAST_SWEPT, init=False)

    def add(self, token_id: str, expires_at: float, keeping: Container[str]) -> None:
        """Take a token in. `keeping` are those that still have connections; the others are swept out now and then."""
        if token_id in self._entered:
            return
        self._entered.add(token_id)
        heapq.heappush(self.heap, (expires_at, token_id))
        if len(self.heap) >= self._sweep_at:
            self.heap = [entry for entry in self.heap if entry[1] in keeping]
            heapq.heapify(self.heap)
            self._entered = {token_id for _, token_id in self.heap}
            self._sweep_at = max(LEAST_SWEPT, 2 * len(self.heap))

    def due(self, now: float) -> Iterator[str]:
        """Take out the tokens that ended."""
        while self.heap and self.heap[0][0] <= now:
            token_id = heapq.heappop(self.heap)[1]
            self._entered.discard(token_id)
            yield token_id


@dataclass(eq=False, repr=False)
class ConnectionRegistry:
    """The open connections of one worker.

    Add a connection in the same step of the event loop in which it was authorised, before anything is awaited: a right
    that ends while the backend is being dialled then ends this one too. The dictionaries are there to be read, at once:
    they change with every client that comes or goes.
    """

    by_id: dict[str, Connection] = field(default_factory=dict, init=False)
    by_api: dict[str, set[Connection]] = field(default_factory=dict, init=False)
    by_application: dict[str, set[Connection]] = field(default_factory=dict, init=False)
    by_token: dict[str, set[Connection]] = field(default_factory=dict, init=False)
    _expiries: ExpiryQueue = field(default_factory=ExpiryQueue, init=False)

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self.by_id.values()))

    def add(self, connection: Connection) -> None:
        """Take a connection in."""
        self.by_id[connection.id] = connection
        for index, key in self._entries(connection):
            index.setdefault(key, set()).add(connection)
        grant = connection.admitted.grant
        self._expiries.add(grant.token_id, grant.expires_at, keeping=self.by_token)

    def discard(self, connection: Connection) -> None:
        """Forget a connection; nothing happens when it is forgotten already."""
        if self.by_id.pop(connection.id, None) is None:
            return
        for index, key in self._entries(connection):
            sharing = index[key]
            sharing.discard(connection)
            if not sharing:
                del index[key]

    def move(self, connection: Connection, admitted: Allow) -> None:
        """Let a connection rest on another token from now on; nothing happens when it is forgotten already."""
        if connection.id not in self.by_id:
            return
        self.discard(connection)
        connection.admitted = admitted
        self.add(connection)

    def has_expired(self, now: float) -> bool:
        """Whether `expired` has anything to look at."""
        return bool(self._expiries.heap) and self._expiries.heap[0][0] <= now

    def expired(self, now: float) -> list[Connection]:
        """The connections whose token has ended by `now`, in seconds since the epoch. Each is named once."""
        ended = []
        for connection in [
            connection for token_id in self._expiries.due(now) for connection in self.by_token.get(token_id, ())
        ]:
            grant = connection.admitted.grant
            if grant.expires_at <= now:
                ended.append(connection)
            else:
                self._expiries.add(grant.token_id, grant.expires_at, keeping=self.by_token)
        return ended

    def _entries(self, connection: Connection) -> tuple[tuple[dict[str, set[Connection]], str], ...]:
        return (
            (self.by_api, connection.api_id),
            (self.by_application, connection.application_id),
            (self.by_token, connection.admitted.grant.token_id),
        )
