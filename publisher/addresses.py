"""Where APIs answer, and which of them would answer in another one's place. Pure.

An API is reached at its context with the version, or a dotted prefix of it, behind it or in place of `{version}`, and
at everything below that. The gateway gives a path to the longest context that fits, so a context that lies inside
another API's addresses would take its clients away. Letter case makes no difference here, although it does for the
gateway: two addresses that people take for the same belong to one API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher.validation import VERSION_PLACEHOLDER, context_root
from publisher.versions import prefixes


@dataclass(frozen=True, slots=True)
class Tenant:
    """One API as a holder of addresses. `key` tells it apart from others, `name` is what people call it."""

    key: Any
    name: str
    context: str
    version: str
    since: datetime

    @property
    def addresses(self) -> list[str]:
        """Where it is reached, in small letters."""
        pattern = self.context if VERSION_PLACEHOLDER in self.context else f"{self.context}/{VERSION_PLACEHOLDER}"
        return [pattern.replace(VERSION_PLACEHOLDER, each).lower() for each in prefixes(self.version)]

    @property
    def claims(self) -> list[str]:
        """What the gateway would give to it, in small letters: its own addresses, or the context before them."""
        if VERSION_PLACEHOLDER not in self.context:
            return [self.context.lower()]
        return [*self.addresses, self.context.replace(f"/{VERSION_PLACEHOLDER}", "").lower()]


def clash(mine: Tenant, others: Iterable[Tenant]) -> Tenant | None:
    """The first of `others` that would lose clients to `mine`, or take some away. Versions of one API never do."""
    for each in others:
        if _are_versions(mine, each):
            continue
        for one, other in ((mine, each), (each, mine)):
            held = set(other.addresses)
            if any(above in held for claim in one.claims for above in _and_above(claim)):
                return each
    return None


def losers(tenants: Iterable[Tenant]) -> dict[Any, Tenant]:
    """Those that clash with one that was there before, by their key, and with which."""
    everybody = sorted(tenants, key=lambda each: (each.since, str(each.key)))
    lost: dict[Any, Tenant] = {}
    addresses: dict[str, list[Tenant]] = {}
    claims: dict[str, list[Tenant]] = {}
    for tenant in everybody:
        holders = [
            *(each for claim in tenant.claims for above in _and_above(claim) for each in addresses.get(above, ())),
            *(each for address in tenant.addresses for each in claims.get(address, ())),
        ]
        if older := next((each for each in holders if not _are_versions(tenant, each)), None):
            lost[tenant.key] = older
            continue
        for address in tenant.addresses:
            addresses.setdefault(address, []).append(tenant)
        for place in {above for claim in tenant.claims for above in _and_above(claim)}:
            claims.setdefault(place, []).append(tenant)
    return lost


def _and_above(path: str) -> Iterator[str]:
    """`/a/b/c`, `/a/b`, `/a`."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _are_versions(one: Tenant, other: Tenant) -> bool:
    return one.key == other.key or context_root(one.context) == context_root(other.context)
