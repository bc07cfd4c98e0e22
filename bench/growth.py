"""`python -m bench.growth`: does a handshake cost more where there are many APIs and many clients are known?

Asks what a worker asks at each handshake, in this process: who is new is decided, who comes again is held to what was
decided. With ten APIs and ten grants, and with 10,000 and 100,000, in turn. A message asks neither.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import django

FEW, APIS, GRANTS = 10, 10_000, 100_000
ASKED, ROUNDS = 2_000, 7
EXPIRES = 4e9


def main() -> int:
    """The exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")
    django.setup()
    small, large = asked(FEW, FEW), asked(APIS, GRANTS)
    print(f"{'':24} {FEW} of each, µs  {APIS:,} APIs, {GRANTS:,} grants, µs  ratio")
    for name in small:
        few, many = [], []
        for _ in range(ROUNDS):
            few.append(microseconds(small[name]))
            many.append(microseconds(large[name]))
        print(f"{name:24} {median(few):>15.2f} {median(many):>33.2f} {median(many) / median(few):>6.2f}")
    return 0


def asked(apis: int, grants: int) -> dict[str, Callable[[int], object]]:
    """What is asked about the client of a number, by name."""
    from devportal.tokens import digest
    from gateway.authorization.cache import GrantCache
    from gateway.authorization.grants import Grant, SubscriptionGrant
    from gateway.control.routing import RoutingState
    from gateway.handshake.request import read
    from gateway.routing.deployment import DeployedDesign, Deployment
    from gateway.routing.table import RouteTable
    from gateway.routing.topics import TopicSet
    from publisher.endpoint import Endpoint, EndpointOptions

    design = DeployedDesign({"PRODUCTION": Endpoint("ws://127.0.0.1:1")}, EndpointOptions(), TopicSet())
    described: dict[str, Any] = {"version": "1.0.0", "state": "PUBLISHED", "rank": (1,), "revision_id": "1"}
    routing = RoutingState(run=None)  # type: ignore[arg-type]
    routing.routes = RouteTable(
        Deployment(f"api{number}", f"Api{number}", f"/api{number}", read_design=lambda: design, **described)
        for number in range(apis)
    )
    routing.grants = GrantCache(most_grants=grants)
    for number in range(grants):
        api_id = f"api{number % apis}"
        grant = Grant(
            *(f"token{number}", "client", f"app{number}", "App", "owner", "carol", "PRODUCTION"),
            frozenset(),
            EXPIRES,
            {api_id: SubscriptionGrant(f"s{number}", "Gold", "UNBLOCKED")},
        )
        routing.grants.keep((digest(f"secret{number}"), (api_id,)), grant, 0.0)
    handshakes = []
    for place in range(ASKED):
        number = place * max(1, grants // ASKED) % grants
        headers = ((b"host", b"a"), (b"authorization", b"Bearer secret%d" % number))
        handshakes.append(read({"raw_path": f"/api{number % apis}/1.0.0".encode(), "headers": headers}))
    decided = [routing.decide_now(each) for each in handshakes]
    assert all(decided), "every client is known"  # noqa: S101
    return {
        "who is new is decided": lambda number: routing.decide_now(handshakes[number]),
        "who comes again": lambda number: routing.stands(decided[number]),  # type: ignore[arg-type]
    }


def microseconds(ask: Callable[[int], object]) -> float:
    """For one client, of all that are asked about."""
    begun = time.perf_counter()
    for number in range(ASKED):
        ask(number)
    return (time.perf_counter() - begun) / ASKED * 1e6


if __name__ == "__main__":
    sys.exit(main())
