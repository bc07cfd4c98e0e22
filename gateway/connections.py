"""Who is on the line in this worker, by API, application and token. Touched only from the worker's event loop."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterator

from gateway.authorization import Admit
from gateway.leases.entry import Entry
from gateway.passing import Passing

LEAST_SWEPT = 1024


class Line:
    """One client that was let in: from the moment it was, through the dial of the backend, until it is gone.

    `close(code, reason)` ends it, whatever it is doing; it must not wait and must not raise. `admitted` is the latest
    decision about it. `opened_at` is in seconds since the epoch. `passing` is there once its backend has answered,
    `entry` while it draws from plans.
    """

    __slots__ = ("admitted", "client_ip", "close", "entry", "id", "opened_at", "passing")

    def __init__(
        self, line_id: str, admitted: Admit, close: Callable[[int, str], None], client_ip: str, opened_at: float
    ) -> None:
        self.id = line_id
        self.admitted = admitted
        self.close = close
        self.client_ip = client_ip
        self.opened_at = opened_at
        self.passing: Passing | None = None
        self.entry: Entry | None = None

    @property
    def api_id(self) -> str:
        """The API it calls. Neither this nor the application of a line ever changes; its token does by `move`."""
        return self.admitted.route.api_id

    @property
    def application_id(self) -> str:
        """The application that calls."""
        return self.admitted.grant.application_id

    @property
    def token_id(self) -> str:
        """The access token that it rests on."""
        return self.admitted.grant.token_id

    @property
    def expires_at(self) -> float:
        """When it ends unless it is given another token, in seconds since the epoch."""
        return self.admitted.grant.expires_at


class Connections:
    """The open lines of one worker.

    Add a line in the same step of the event loop in which it was authorised, before anything is awaited: a right that
    ends while the backend is being dialled then ends this line too.
    """

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._by_api: dict[str, set[Line]] = {}
        self._by_application: dict[str, set[Line]] = {}
        self._by_token: dict[str, set[Line]] = {}
        self._expiries = _Expiries()

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(list(self._lines.values()))

    def add(self, line: Line) -> None:
        """Take a line in."""
        self._lines[line.id] = line
        for index, key in self._entries(line):
            index.setdefault(key, set()).add(line)
        self._expiries.add(line.token_id, line.admitted.grant.expires_at, keeping=self._by_token)

    def discard(self, line: Line) -> None:
        """Forget a line; nothing happens when it is forgotten already."""
        if self._lines.pop(line.id, None) is None:
            return
        for index, key in self._entries(line):
            sharing = index[key]
            sharing.discard(line)
            if not sharing:
                del index[key]

    def move(self, line: Line, admitted: Admit) -> None:
        """Let a line rest on another token from now on; nothing happens when it is forgotten already."""
        if line.id not in self._lines:
            return
        self.discard(line)
        line.admitted = admitted
        self.add(line)

    def get(self, line_id: str) -> Line | None:
        """The line with this id."""
        return self._lines.get(line_id)

    def of_api(self, api_id: str) -> list[Line]:
        """The lines to one API."""
        return list(self._by_api.get(api_id, ()))

    def of_application(self, application_id: str) -> list[Line]:
        """The lines of one application."""
        return list(self._by_application.get(application_id, ()))

    def of_token(self, token_id: str) -> list[Line]:
        """The lines that one access token opened."""
        return list(self._by_token.get(token_id, ()))

    def tokens(self) -> list[str]:
        """The ids of the access tokens that have a line open."""
        return list(self._by_token)

    def ending(self, now: float, within: float) -> list[Line]:
        """The lines whose token ends within so many seconds from `now`, the first to end first."""
        soon = (line for line in self._lines.values() if line.expires_at - now <= within)
        return sorted(soon, key=lambda line: line.expires_at)

    def expired(self, now: float) -> list[Line]:
        """The lines whose token has ended by `now`, in seconds since the epoch. Each is named once."""
        ended = []
        for line in [line for token_id in self._expiries.due(now) for line in self.of_token(token_id)]:
            ends_at = line.admitted.grant.expires_at
            if ends_at <= now:
                ended.append(line)
            else:
                self._expiries.add(line.token_id, ends_at, keeping=self._by_token)
        return ended

    def counts(self) -> dict[str, int]:
        """How many lines are open to each API."""
        return {api_id: len(lines) for api_id, lines in self._by_api.items()}

    def _entries(self, line: Line) -> tuple[tuple[dict[str, set[Line]], str], ...]:
        return (
            (self._by_api, line.api_id),
            (self._by_application, line.application_id),
            (self._by_token, line.token_id),
        )


class _Expiries:
    """When which token ends: one entry a token, however often its lines come and go."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._entered: set[str] = set()
        self._sweep_at = LEAST_SWEPT

    def add(self, token_id: str, expires_at: float, keeping: Container[str]) -> None:
        """Take a token in. `keeping` are those that still have lines; the others are swept out now and then."""
        if token_id in self._entered:
            return
        self._entered.add(token_id)
        heapq.heappush(self._heap, (expires_at, token_id))
        if len(self._heap) >= self._sweep_at:
            self._sweep(keeping)

    def entries(self) -> int:
        """How many tokens are in, those without lines that were not swept out yet among them."""
        return len(self._heap)

    def due(self, now: float) -> Iterator[str]:
        """Take out the tokens that ended."""
        while self._heap and self._heap[0][0] <= now:
            token_id = heapq.heappop(self._heap)[1]
            self._entered.discard(token_id)
            yield token_id

    def _sweep(self, keeping: Container[str]) -> None:
        self._heap = [entry for entry in self._heap if entry[1] in keeping]
        heapq.heapify(self._heap)
        self._entered = {token_id for _, token_id in self._heap}
        self._sweep_at = max(LEAST_SWEPT, 2 * len(self._heap))
