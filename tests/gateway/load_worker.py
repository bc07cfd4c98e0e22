"""One gateway worker without sockets, for tests that kill it: see `tests.forks`.

Several connections draw from one quota as fast as they are let, with the real lease client, file and store. What passed
is counted in a file of 8-byte numbers that the test reads: messages, bytes, and 1 when the worker is ready; it begins
when the test has written a fourth. `offset` moves the clock, so that no period ends in the middle of a test.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import random
import sys
import time
from pathlib import Path
from typing import Any


def main(orders: dict[str, Any]) -> None:
    """Draw until the quota is used up, in the database of the tests."""
    from django.db import connections

    connections.databases["default"]["NAME"] = orders["database"]
    asyncio.run(draw(orders))


async def draw(orders: dict[str, Any]) -> None:
    """All connections at once, then give everything back."""
    from gateway.quotas.client import LeaseClient
    from gateway.quotas.limits import PlanLimits
    from gateway.quotas.stores import open_store
    from gateway.quotas.stores.redis import RedisLeaseStore

    store = RedisLeaseStore(orders["redis_url"]) if orders["redis_url"] else open_store("")
    offset = orders["offset"]
    lease_client = LeaseClient(store, Path(orders["folder"]), clock=lambda: time.time() + offset)
    await lease_client.start()
    limits = PlanLimits(quota=orders["quota"], unit=orders["unit"])
    with open(orders["counters"], "r+b") as file, mmap.mmap(file.fileno(), 32) as counters:
        counts = memoryview(counters).cast("Q")
        counts[2] = 1
        while not counts[3]:
            await asyncio.sleep(0.001)
        chances = [random.Random(seed) for seed in range(orders["connections"])]  # noqa: S311
        drawing = [draw_on_one_connection(lease_client, limits, counts, chance) for chance in chances]
        await asyncio.gather(*drawing)
        counts.release()
    await lease_client.stop()


async def draw_on_one_connection(lease_client: Any, limits: Any, counts: Any, chance: random.Random) -> None:
    """Draw until not even one byte is left."""
    from gateway.quotas.client import PlanExceeded, renewed
    from gateway.quotas.meter import LimitExceeded
    from gateway.quotas.rules import api_account
    from gateway.quotas.state import PlanOf

    try:
        admission = await lease_client.enter(
            subscription=PlanOf(api_account("a", "1"), limits), application=None, patience=60
        )
    except PlanExceeded:
        return
    size = 1
    while True:
        if admission.client.take(1, size):
            counts[0] += 1
            counts[1] += size
            size = chance.choice((1, 7, 130, 1000))
            if not chance.randrange(5):
                await asyncio.sleep(0.002)
            continue
        blocked = admission.client.blocked(1, size, lease_client.clock())
        if isinstance(blocked, LimitExceeded):
            if size == 1:
                break
            size = 1
        elif blocked is not None:
            await renewed(blocked.source)
    admission.leave(lease_client.clock())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
