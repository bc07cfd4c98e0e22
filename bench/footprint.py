"""What a worker of the gateway holds of a large installation, and what it has to do when something changes there.

Measured in this process and on its database, as `bench.pages` has filled it. Times are those of the processor.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from core.text import spaced

CALLED = 1000  # APIs, of those that are deployed


class Figure(NamedTuple):
    """One line of the table."""

    what: str
    figure: str


def measure(api_id: str, application_id: uuid.UUID) -> list[Figure]:
    """The figures, one after the other; `application_id` is that of the application with most subscriptions."""
    return [*_routes(api_id), *_tokens(application_id), *_deny_policies()]


def _routes(api_id: str) -> Iterator[Figure]:
    from gateway.control.loaders import load_deployments, load_fingerprints
    from gateway.control.routing import RoutingState
    from gateway.routing.table import RouteTable

    load_deployments([api_id])  # what is made once is no part of a route
    spent, _ = _spent(lambda: RouteTable(load_deployments()))
    octets, table = _held(lambda: RouteTable(load_deployments()))
    yield Figure("memory of a route, in each worker", f"{octets / len(table.deployments) / 1000:.1f} kB")

    def call() -> None:
        for deployment in list(table.deployments.values())[:CALLED]:
            if found := table.match(deployment.address):
                found.route()

    more, _ = _held(call)
    yield Figure(
        f"the same once {CALLED:,} APIs were called".replace(",", " "),
        f"{(octets + more) / len(table.deployments) / 1000:.1f} kB",
    )
    yield Figure("a worker reads all routes at its start", f"{spent:.0f} ms")
    changed, _ = _spent(lambda: table.replaced(load_deployments([api_id])))
    yield Figure("it takes in a change of one API", f"{changed:.0f} ms")
    state = RoutingState(run=lambda work: NotImplemented)
    state.routes = table
    compared, differing = _spent(lambda: state.differing_from(load_fingerprints()))
    assert not differing  # noqa: S101
    yield Figure("it compares all routes with the database, once a minute", f"{compared:.0f} ms")


def _tokens(application_id: uuid.UUID) -> Iterator[Figure]:
    from datetime import timedelta

    from django.utils import timezone
    from oauth2_provider.models import AccessToken

    from devportal.models import OAuthClient, Subscription
    from gateway.authorization.cache import GrantCache
    from gateway.control.loaders import load_grants

    held = Subscription.objects.filter(application=application_id)
    api_id, client = (
        str(held.values_list("api_id", flat=True)[0]),
        OAuthClient.objects.filter(application=application_id)[0],
    )
    in_an_hour = timezone.now() + timedelta(hours=1)
    rows = AccessToken.objects.bulk_create(
        AccessToken(
            application=client,
            token=f"bench{number}",
            token_checksum=f"bench{number}",
            scope="default",
            expires=in_an_hour,
        )
        for number in range(1000)
    )
    asked = [(str(row.pk), (api_id,)) for row in rows]

    def remember() -> GrantCache:
        cache = GrantCache()
        for key, grant in load_grants(asked=asked, named_by="pk").items():
            cache.keep(key, grant, 0.0)
        return cache

    spent, _ = _spent(remember)
    octets, _ = _held(remember)
    name = f"of an application with {spaced(held.count())} subscriptions"
    yield Figure(f"memory of a remembered token {name}", f"{octets / len(rows) / 1000:.1f} kB")
    yield Figure(f"a token {name} is looked up, of many that come at once", f"{spent / len(rows):.2f} ms")


def _deny_policies() -> Iterator[Figure]:
    from gateway.control.loaders import load_deny_policies

    policies = load_deny_policies()
    begun = time.process_time()
    for number in range(10_000):
        policies.of_place("", f"198.51.{number % 100}.{number % 250}")
    yield Figure("a handshake is held against all deny policies", f"{(time.process_time() - begun) * 100:.0f} µs")


def _spent(work: Callable[[], Any]) -> tuple[float, Any]:
    """For how many milliseconds of the processor it works, and what it returns."""
    begun = time.process_time()
    found = work()
    return (time.process_time() - begun) * 1000, found


def _held(work: Callable[[], Any]) -> tuple[int, Any]:
    """How many bytes are held when it has returned, and what it returned."""
    gc.collect()
    tracemalloc.start()
    found = work()
    gc.collect()
    octets = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return octets, found
