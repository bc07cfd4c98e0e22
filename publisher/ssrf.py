"""The server's own policy on backends' addresses, and the question to the resolver that it needs.

When an endpoint is saved, a name that does not resolve (yet, or here) is accepted: the same policy is asked again each
time it is dialled, about the very address that is then connected to.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

from publisher.ip_policy import BackendPolicy

PATIENCE = 2.0  # seconds for the resolver when an endpoint is saved

Resolver = Callable[[str, int], list[str]]


def policy() -> BackendPolicy:
    """The policy that the settings make."""
    made: BackendPolicy = settings.BACKEND_POLICY
    return replace(made, is_mine=is_mine)


def why_refused(url: str, *, resolve: Resolver | None = None, rules: BackendPolicy | None = None) -> str:
    """Why this clean endpoint address may not be saved, as a sentence; empty when it may, or when there is none.

    A name is refused when everything that it resolves to is. Takes up to PATIENCE seconds: do not call it while a
    transaction is open.
    """
    if not url:
        return ""
    host, port = host_and_port(url)
    rules = rules or policy()
    found = (resolve or resolve_in_time)(host, port)
    refusals = [rules.refuse(host, address, port) for address in found]
    return refusals[0] if refusals and all(refusals) else rules.refuse_literal(host, port) if not found else ""


@lru_cache(maxsize=1024)
def is_mine(address: str) -> bool:
    """Whether an address belongs to this machine: only such a one can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def host_and_port(url: str) -> tuple[str, int]:
    """Where an address of the schemes ws, wss, http and https leads."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme.lower() in {"wss", "https"} else 80)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, in the resolver's order. Raises OSError when there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve_in_time(host: str, port: int) -> list[str]:
    """As `resolve`, but nothing where there is no answer within PATIENCE: the resolver itself knows no limit."""
    found: list[str] = []

    def ask() -> None:
        try:
            found.extend(resolve(host, port))
        except (OSError, UnicodeError):
            return

    thread = threading.Thread(target=ask, name="resolver", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return list(found)
