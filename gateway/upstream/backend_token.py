"""A token for a backend, fetched with client credentials (RFC 6749 §4.4) and renewed before it ends.

One worker asks once for all its connections, and keeps the token as long as it lives: it lies in no row and no log.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from operator import attrgetter
from types import SimpleNamespace
from typing import Any
from urllib.parse import SplitResult, quote_plus, urlencode, urlsplit

import httptools

from gateway import refusals
from gateway.upstream.handshake import BackendError
from publisher.endpoint import EndpointOptions

LONGEST_ANSWER = 64 * 1024  # bytes
USUAL_LIFE, LONGEST_LIFE = 300.0, 24 * 3600.0  # seconds
MOST_TOKENS = 1000
_SPENT = 0.8  # of its life, after which a token is renewed

Open = Callable[[SplitResult, EndpointOptions], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Connects to where an address leads. Raises OSError and BackendError."""
_Key = tuple[str, str, str, str]
_key: Callable[[EndpointOptions], _Key] = attrgetter("token_url", "token_client", "token_secret", "token_scope")


@dataclass(eq=False, repr=False)
class BackendTokens:
    """The tokens of one worker. `connect` is how it reaches whoever gives them out."""

    connect: Open
    clock: Callable[[], float] = time.monotonic
    # A token, and when it is to be renewed.
    _kept: dict[_Key, tuple[str, float]] = field(default_factory=dict, init=False)
    _fetching: dict[_Key, asyncio.Task[str]] = field(default_factory=dict, init=False)

    async def token(self, options: EndpointOptions) -> str:
        """The token for these options, which name where to get one. Raises BackendError, OSError and TimeoutError."""
        key = _key(options)
        if (kept := self._kept.get(key)) and self.clock() < kept[1]:
            return kept[0]
        if key not in self._fetching:
            task = self._fetching[key] = asyncio.create_task(self._fetch(key, options))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # who asked may be gone
        return await asyncio.shield(self._fetching[key])

    def forget(self, options: EndpointOptions) -> None:
        """The backend did not take the token: have another one fetched the next time."""
        self._kept.pop(_key(options), None)

    async def _fetch(self, key: _Key, options: EndpointOptions) -> str:
        url = urlsplit(options.token_url)
        try:
            request = token_request(url, options)
            async with asyncio.timeout(options.connect_timeout):
                reader, writer = await self.connect(url, options)
                try:
                    writer.write(request)
                    token, life = await read_token(reader)
                except ValueError as error:
                    sentence = f"Where the backend's token is fetched, somebody {error}."
                    raise BackendError(refusals.backend_refused(sentence)) from None
                finally:
                    writer.close()
        finally:
            del self._fetching[key]
        if len(self._kept) >= MOST_TOKENS:
            self._kept.clear()
        self._kept[key] = token, self.clock() + min(life, LONGEST_LIFE) * _SPENT
        return token


def token_request(url: SplitResult, options: EndpointOptions) -> bytes:
    """The request for a token, client id and secret in the header (RFC 6749 §2.3.1)."""
    form = {"grant_type": "client_credentials", **({"scope": options.token_scope} if options.token_scope else {})}
    body = urlencode(form).encode()
    pair = f"{quote_plus(options.token_client)}:{quote_plus(options.token_secret)}"
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {url.netloc}",
        f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Accept: application/json",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


async def read_token(stream: asyncio.StreamReader) -> tuple[str, float]:
    """The token in an answer, which ends by its length or with the connection, and for how many seconds it is good.

    Raises ValueError, which says what was done instead.
    """
    body, whole, size = list[bytes](), asyncio.Event(), 0
    parser = httptools.HttpResponseParser(SimpleNamespace(on_body=body.append, on_message_complete=whole.set))
    try:
        while not whole.is_set() and (data := await stream.read(4096)):
            size += len(data)
            if size > LONGEST_ANSWER:
                raise ValueError("gave too long an answer")
            parser.feed_data(data)
    except httptools.HttpParserError:
        raise ValueError("gave no answer that can be read") from None
    if (status := parser.get_status_code()) != 200:
        raise ValueError(f"answered {status}")
    try:
        document = json.loads(b"".join(body))
    except (ValueError, RecursionError):
        document = None
    answer: dict[str, Any] = document if isinstance(document, dict) else {}
    token, life = answer.get("access_token"), answer.get("expires_in", USUAL_LIFE)
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7E]{1,16384}", token):
        raise ValueError("gave no token")
    is_number = isinstance(life, int | float) and not isinstance(life, bool) and life > 0
    return token, float(life) if is_number else USUAL_LIFE
