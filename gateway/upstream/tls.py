"""TLS towards backends. A context takes tens of milliseconds to make, more with a key: a thread does it, once."""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from gateway import refusals
from gateway.native import twins
from gateway.upstream.handshake import BackendError
from publisher.client_tls import client_context
from publisher.endpoint import EndpointOptions

FAILED_SECONDS: Final = 30.0
MOST_KEPT: Final = 1000  # contexts; with a CA of its own each has about 30 kB


@dataclass(eq=False, repr=False)
class TlsContexts:
    """The contexts of one worker, in its event loop."""

    _made: OrderedDict[tuple[Any, ...], asyncio.Future[ssl.SSLContext]] = field(default_factory=OrderedDict, init=False)
    _pool: ThreadPoolExecutor = field(default_factory=partial(ThreadPoolExecutor, 2, "gateway-tls"), init=False)

    async def for_backend(self, options: EndpointOptions) -> ssl.SSLContext:
        """To call a backend; a CA of the endpoint's own stands in for the system's. Raises BackendError."""
        given = (options.verify_tls, options.ca_certificate, options.client_certificate, options.secret_key)
        try:
            return await self.get(_backend_context, *given)
        except (ssl.SSLError, ValueError):
            problem = "The client certificate for the backend cannot be used."
            raise BackendError(refusals.backend_refused(problem)) from None

    async def get(self, make: Callable[..., ssl.SSLContext], *given: Any) -> ssl.SSLContext:
        """What `make` makes of what is given, made once. Raises what it raises."""
        key = (make, *given)
        making = self._made.get(key)
        if making is None:
            making = self._made[key] = asyncio.get_running_loop().run_in_executor(self._pool, make, *given)
            making.add_done_callback(lambda done: done.cancelled() or done.exception())  # who asked may be gone
            if len(self._made) > MOST_KEPT:
                self._made.popitem(last=False)
        if making.done():
            return making.result()
        try:
            return await asyncio.shield(making)
        except (ssl.SSLError, ValueError):  # kept for a while, or each client would have it tried on the threads of all
            asyncio.get_running_loop().call_later(FAILED_SECONDS, self._made.pop, key, None)
            raise


def _backend_context(verify: bool, ca_certificate: str, client_certificate: str, key: str) -> ssl.SSLContext:
    context = client_context(verify, ca_certificate, client_certificate, key)
    twins.add_client(context, authorities=ca_certificate, certificate=client_certificate, key=key)
    return context


def token_context(ca_certificate: str) -> ssl.SSLContext:
    """To fetch a token: what the system trusts, and the endpoint's own CA besides."""
    context = ssl.create_default_context()
    if ca_certificate:
        context.load_verify_locations(cadata=ca_certificate)
    return context
