"""The addresses of backends' names, asked of the name service without a thread (c-ares), and remembered.

The hosts file, search domains, IPv6 and the order of addresses are as the system has them; c-ares reads the same files.
Each name is asked for once at a time, however many clients wait for it. A name server that is slow for one domain keeps
nobody waiting who calls another: at most MOST_OF_A_DOMAIN names of it are asked for at a time, and at most
MOST_OF_AN_API for one API, whatever domains its creator names.

An answer is kept as long as it says (SHORTEST to LONGEST seconds), and STALE_SECONDS more where it cannot be renewed.
That a name could not be found out is kept for a moment only. It is this machine's trouble, never the backend's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import aiodns

SHORTEST, LONGEST = 1.0, 300.0  # seconds
STALE_SECONDS: Final = 300.0
UNKNOWN_SECONDS: Final = 3.0
ASK_SECONDS, TRIES = 2.0, 3  # for each name server
MOST_NAMES: Final = 10_000
MOST_OF_A_DOMAIN: Final = 32
MOST_OF_AN_API: Final = 8
MOST_WAITING: Final = 1000  # clients for one name

log = logging.getLogger("gateway.upstream")


class NameUnresolved(socket.gaierror):
    """The addresses of a name could not be found out, here and now."""


class Kept(NamedTuple):
    """What is known of a name until then; no addresses: that it could not be found out."""

    addresses: list[str]
    until: float


_NEVER_HEARD: Final = Kept([], float("-inf"))


@dataclass(eq=False, kw_only=True, repr=False)
class Resolver:
    """The names of one worker, in its event loop. `servers` are asked in place of the system's: `host:port`."""

    servers: Sequence[str] = ()
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[str, Kept] = field(default_factory=OrderedDict, init=False)
    _asking: dict[str, asyncio.Task[list[str]]] = field(default_factory=dict, init=False)
    _waiting: Counter[str] = field(default_factory=Counter, init=False)
    _of_domain: Counter[str] = field(default_factory=Counter, init=False)
    _of_api: Counter[str] = field(default_factory=Counter, init=False)
    _channel: aiodns.DNSResolver | None = field(default=None, init=False)

    async def addresses(self, host: str, seconds: float, api_id: str = "") -> list[str]:
        """Every address of a host, in the resolver's order, within so many seconds. Raises NameUnresolved.

        What is asked for an API counts as its own; without one it is the installation's.
        """
        (found, until), now = self._kept.get(host, _NEVER_HEARD), self.clock()
        if now >= until:
            found = found if now < until + STALE_SECONDS else []
            if self._waiting[host] >= MOST_WAITING:
                raise NameUnresolved
            if host not in self._asking and (not api_id or self._of_api[api_id] < MOST_OF_AN_API):
                self._of_api[api_id] += 1
                self._asking[host] = asyncio.create_task(self._ask(host, api_id))
            if host in self._asking:  # else nothing is remembered: others may ask for the name
                self._waiting[host] += 1
                try:
                    async with asyncio.timeout(seconds):
                        found = await asyncio.shield(self._asking[host])
                except TimeoutError:
                    pass  # what was known before has to do
                finally:
                    self._waiting[host] -= 1
                    self._waiting += Counter()  # forgets names that nobody waits for
        if not found:
            raise NameUnresolved
        return found

    def only_address(self, host: str) -> str:
        """The address of a host that is known to have one alone; empty where it has to be asked for, or may be."""
        kept = self._kept.get(host)
        return kept.addresses[0] if kept and len(kept.addresses) == 1 and self.clock() < kept.until else ""

    async def close(self) -> None:
        """Ask nothing more."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        if self._channel:
            await self._channel.close()

    async def _ask(self, host: str, api_id: str) -> list[str]:
        """Ask, and remember what was answered; never raises for want of an answer."""
        domain, before = ".".join(host.rstrip(".").rsplit(".", 2)[-2:]), self._kept.get(host)
        found, seconds = list[str](), UNKNOWN_SECONDS
        self._of_domain[domain] += 1
        try:
            if self._of_domain[domain] <= MOST_OF_A_DOMAIN:
                if self._channel is None:
                    servers = self.servers or None
                    self._channel = aiodns.DNSResolver(timeout=ASK_SECONDS, tries=TRIES, nameservers=servers)
                answer = await self._channel.getaddrinfo(host, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
                found = list(dict.fromkeys(node.addr[0].decode() for node in answer.nodes))
                seconds = min(max(SHORTEST, min((node.ttl for node in answer.nodes), default=0)), LONGEST)
        except (aiodns.error.DNSError, ValueError) as error:  # that, for labels that cannot be
            log.debug("%s could not be resolved: %s", host, error)
            if before and self.clock() < before.until + STALE_SECONDS:
                found = before.addresses
        finally:
            self._of_domain[domain] -= 1
            self._of_domain += Counter()
            self._of_api[api_id] -= 1
            self._of_api += Counter()
            del self._asking[host]
        self._kept.pop(host, None)
        self._kept[host] = Kept(found, self.clock() + seconds)
        if len(self._kept) > MOST_NAMES:
            self._kept.popitem(last=False)
        return found
