"""The compatible way, message by message, for servers that cannot splice; one module, for its sides share one end.

Slower, and documented so. Same decisions, same limits on age and silence, same close codes as far as the server passes
them on.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from gateway import close_codes, refusals
from gateway.close_codes import Close
from gateway.payloads.reading import PayloadEvent, too_long
from gateway.payloads.schemas import Checks, OnMisfit, unread
from gateway.quotas.client import renewed
from gateway.quotas.clock import clock as time
from gateway.quotas.meter import FREE, LimitExceeded, Meter
from gateway.relay import frames
from gateway.relay.types import CloseInfo, Traffic
from gateway.upstream.dialer import BackendAddress, Dialer, split
from gateway.upstream.handshake import (
    MAXIMUM_ANSWER,
    MAXIMUM_INTERIM,
    BackendError,
    UpgradeRequest,
    status_refused,
    without_configured,
)
from gateway.upstream.mock_backend import open_mock
from publisher.endpoint import EndpointOptions
from publisher.plan_terms import ExceededAction
from publisher.runtime import ValidationMode

_ELSE = 4000  # what goes out where the server takes no code of the protocol's own: Daphne takes 1000 and from 3000 on

log = logging.getLogger("gateway")


async def connect(
    dialer: Dialer, addresses: Sequence[BackendAddress], upgrade: UpgradeRequest, options: EndpointOptions
) -> ClientConnection:
    """Dial as the splicing way does, and keep a connection of the `websockets` library. Raises DialFailed."""
    return await dialer.first(addresses, partial(_connect, dialer, upgrade, options), options)


@dataclass(eq=False, repr=False)
class MessageRelay:
    """A backend's connection on one side, an ASGI `send` on the other.

    Every message is held against `checks`, as `gateway.relay.checked` does it.
    """

    backend: ClientConnection
    send: Callable[[dict[str, Any]], Awaitable[None]]
    on_end: Callable[[], None]
    options: EndpointOptions
    meters: tuple[Meter, Meter] = (FREE, FREE)
    checks: Checks | None = None
    longest_checked: int = 0
    on_misfit: OnMisfit = lambda sender, misfit: None
    # Told of what passes, where it is recorded.
    on_message: Callable[[str, PayloadEvent, bool], None] | None = field(default=None, init=False)
    _limit: int = field(default=0, init=False)
    _heard_at: float = field(default_factory=lambda: asyncio.get_running_loop().time(), init=False)
    _passed: list[int] = field(default_factory=lambda: [0, 0, 0, 0], init=False)
    _close_info: CloseInfo | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def start(self) -> None:
        """Begin to pass on what the backend sends."""
        self._spawn(self._from_backend())
        if self.options.idle_timeout or self.options.maximum_duration:
            self._spawn(self._watch())

    async def from_client(self, text: str | None, data: bytes | None) -> None:
        """Pass one message on. Waits while the backend is slow."""
        self._heard_at = asyncio.get_running_loop().time()
        message = data if text is None and data is not None else text or ""
        payload = message.encode() if isinstance(message, str) else message
        if self._limit and len(payload) > self._limit:
            self.close(close_codes.TOO_BIG.code, f"A message was over the limit of {self._limit} bytes.")
        elif self._fits("client", payload) and await self._may_pass(0, len(payload)):
            with suppress(ConnectionClosed):
                await self.backend.send(message)
            if self.on_message:
                self.on_message("client", PayloadEvent(b"", payload), isinstance(message, str))

    async def client_gone(self, code: int, reason: str) -> None:
        """The client closed, with these words, or was lost (1005, 1006)."""
        self._ended = True
        sendable = frames.is_sendable(code)
        close = Close(code, reason, close_codes.Reconnect.MAYBE) if sendable else close_codes.CLIENT_GONE
        self._close_info = self._close_info or CloseInfo("client", code, close.code, reason)
        self.on_end()
        await self.backend.close(close.code, close.reason)
        for task in self._tasks - {cast("asyncio.Task[None]", asyncio.current_task())}:
            task.cancel()

    def close(self, code: int, reason: str) -> None:
        """End it: the client gets this code and reason, the backend 1001."""
        self._close_info = self._close_info or CloseInfo("gateway", code, close_codes.GATEWAY_CLOSED.code, reason)
        self._spawn(self._close(Close(code, reason, close_codes.Reconnect.MAYBE), close_codes.GATEWAY_CLOSED))

    leave = close  # the server here does not let a closing connection be read

    def finish(self) -> None:
        """`leave` has closed it already."""

    def limit_messages(self, octets: int | None, frame: int | None = None) -> None:
        """From now on the client's messages may be so long, in bytes; None: as long as it likes.

        Of its frames the server here says nothing.
        """
        self._limit = octets or 0

    def traffic(self) -> Traffic:
        """What has passed so far."""
        return Traffic(*self._passed)

    def waits(self) -> str:
        """Nothing that can be told here: whoever sends a message waits for it."""
        return ""

    def close_info(self) -> CloseInfo:
        """How it ended."""
        return self._close_info or CloseInfo("gateway", 1006, 1006, "")

    async def _from_backend(self) -> None:
        try:
            while True:
                message = await self.backend.recv()
                self._heard_at = asyncio.get_running_loop().time()
                payload = message.encode() if isinstance(message, str) else message
                if self._fits("backend", payload) and await self._may_pass(1, len(payload)):
                    kind = "text" if isinstance(message, str) else "bytes"
                    await self.send({"type": "websocket.send", kind: message})
                    if self.on_message:
                        self.on_message("backend", PayloadEvent(b"", payload), isinstance(message, str))
        except ConnectionClosed as closed:
            close, code = close_codes.BACKEND_LOST, 1006
            if closed.rcvd is not None:  # its own code and reason; ASGI has no Close without a code, so that is 1000
                code = closed.rcvd.code
                sendable = code if frames.is_sendable(code) else 1000
                close = Close(sendable, closed.rcvd.reason, close_codes.Reconnect.MAYBE)
            self._close_info = self._close_info or CloseInfo("backend", close.code, code, close.reason)
            await self._close(close, None)
        except OSError:
            self._close_info = self._close_info or CloseInfo("client", 1006, close_codes.CLIENT_GONE.code, "")
            await self._close(None, close_codes.CLIENT_GONE)

    def _fits(self, sender: str, payload: bytes) -> bool:
        """Whether a message may pass as far as its schema goes. False: this is the end."""
        checks = self.checks
        check = checks and (checks.client if sender == "client" else checks.backend)
        if checks is None or check is None:
            return True
        is_too_long = len(payload) > self.longest_checked
        misfit = unread(too_long(self.longest_checked)) if is_too_long else check.misfit(payload)
        if misfit is None:
            return True
        self.on_misfit(sender, misfit)
        if checks.mode is ValidationMode.REPORT:
            return True
        code = close_codes.TOO_BIG.code if is_too_long else close_codes.BAD_PAYLOAD.code
        refusal = Close(code, str(misfit.describe()), close_codes.Reconnect.NO)
        if sender == "client":
            self.close(refusal.code, refusal.reason)
        else:
            lost = close_codes.BACKEND_BROKE_SCHEMA
            self._close_info = self._close_info or CloseInfo("gateway", lost.code, refusal.code, refusal.reason)
            self._spawn(self._close(lost, refusal))
        return False

    async def _may_pass(self, direction: int, size: int) -> bool:
        """Wait until the plan lets a message of this direction pass. False: it is left out, or this is the end."""
        meter = self.meters[direction]
        while not self._ended and not meter.take(1, size):
            blocked = meter.blocked(1, size, time())
            if isinstance(blocked, LimitExceeded):
                if blocked.action is ExceededAction.CLOSE:
                    self.close(close_codes.PLAN_EXHAUSTED.code, blocked.sentence)
                return False
            if blocked is not None:
                await renewed(blocked.source)
        if self._ended:
            return False
        self._passed[2 * direction] += 1
        self._passed[2 * direction + 1] += size
        return True

    async def _watch(self) -> None:
        idle, longest = self.options.idle_timeout, self.options.maximum_duration
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self._ended:
            await asyncio.sleep(min(each for each in (idle, longest) if each) / 4)
            if longest and loop.time() - began >= longest:
                self.close(close_codes.TOO_OLD.code, close_codes.TOO_OLD.reason)
            elif idle and loop.time() - self._heard_at >= idle:
                self.close(close_codes.IDLE.code, close_codes.IDLE.reason)

    async def _close(self, to_client: Close | None, to_backend: Close | None) -> None:
        if self._ended:
            return
        self._ended = True
        self.on_end()
        reason = to_client.reason if to_client else ""
        for code in (to_client.code, _ELSE) if to_client else ():
            try:
                await self.send({"type": "websocket.close", "code": code, "reason": reason})
            except OSError:
                break  # the client has gone
            except Exception as error:
                log.debug("This server cannot close with %d: %s", code, error)
            else:
                break
        if to_backend:
            await self.backend.close(to_backend.code, to_backend.reason)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Connection(ClientConnection):
    """Passes over interim answers in front of the 101, which the library takes for the answer."""

    _unread: bytes | None = b""

    def data_received(self, data: bytes) -> None:
        if self._unread is None:
            return super().data_received(data)
        self._unread = self._unread + data
        for _ in range(1 + MAXIMUM_INTERIM):
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if not (end and _INTERIM.match(head)):
                break
            self._unread = rest
        if end or len(self._unread) > MAXIMUM_ANSWER:
            data, self._unread = self._unread, None
            super().data_received(data)
        return None


_INTERIM = re.compile(rb"HTTP/1\.1 1(?!01)\d\d ")


class _Connect(connect_websocket):
    """A backend may not send the gateway elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _connect(
    dialer: Dialer, upgrade: UpgradeRequest, options: EndpointOptions, address: BackendAddress
) -> ClientConnection:
    url = split(address)
    secure: dict[str, Any] = {}
    if not address.mock:
        upgrade = await dialer.with_token(upgrade, options)
        if url.scheme == "wss":
            context = await dialer.tls.for_backend(options)
            secure = {"ssl": context, "server_hostname": options.server_name or url.hostname}
    headers = without_configured(upgrade.headers, options)
    open_to: Callable[..., Awaitable[ClientConnection]] = partial(
        _Connect,
        url._replace(netloc=options.host or url.netloc).geturl(),  # for the Host header, and for TLS; not to be dialled
        additional_headers=[
            *((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers),
            *options.headers.items(),
        ],
        subprotocols=[Subprotocol(name) for name in upgrade.subprotocols] or None,
        compression=None,
        user_agent_header=None,
        proxy=None,
        open_timeout=None,
        ping_interval=options.ping_interval or None,
        ping_timeout=options.ping_interval or None,
        max_size=None,
        max_queue=4,
        create_connection=_Connection,
        **secure,
    )
    try:
        if address.mock:
            return await open_to(sock=await open_mock(address.mock), unix=True)
        return await dialer.reach(url, open_to, options)
    except InvalidStatus as error:
        answered = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in error.response.headers.raw_items()
        ]
        raise status_refused(error.response.status_code, answered, options) from None
    except InvalidHandshake:
        raise BackendError(refusals.backend_refused("The backend's answer did not switch to WebSocket.")) from None
