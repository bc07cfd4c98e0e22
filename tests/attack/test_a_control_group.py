"""The gateway in a control group of the kernel's with too little memory: `make ordeal`, where groups may be made."""

from __future__ import annotations

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.server.memory_guard import control_group_memory
from tests.environment import PATIENCE
from tests.product import Product

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("attack")]


def limits() -> list[Path]:
    """The file with the limit of a new group below our own, in a list; empty where none can be made."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, kinds, place = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        group = Path("/sys/fs/cgroup", "memory" if kinds else "", place.lstrip("/"), f"apim-{os.getpid()}")
        limit = group / ("memory.limit_in_bytes" if kinds else "memory.max")
        with suppress(OSError):
            group.mkdir()
            is_limit = limit.exists()
            group.rmdir()
            if is_limit:
                return [limit]
    return []


@contextmanager
def joined(group: Path) -> Iterator[None]:
    """What is started meanwhile is started in the group."""
    own = group.parent / "cgroup.procs"
    (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield
    finally:
        own.write_text(str(os.getpid()))


@pytest.mark.parametrize("limit", limits())
def test_a_gateway_whose_group_has_little_memory_left_lets_nobody_in_until_there_is_more(
    limit: Path, prepared: Path, tmp_path: Path
) -> None:
    group, product = limit.parent, Product(tmp_path, APIM_GATEWAY_WORKERS="1")
    product.begin_with(prepared)
    group.mkdir()
    try:
        with joined(group):
            product.run_in_background(anew=True)  # a fork of what was there before would not be in the group
        product.wait_until(lambda: ready(product) == 200)

        def leave(share: float) -> None:
            limit.write_text(str(1 << 40))
            memory = control_group_memory(own=Path(f"/proc/{worker.pid}/cgroup"))
            assert memory is not None
            limit.write_text(str(int(memory.used / share)))

        worker = product.processes()[0]
        for share, status in ((0.88, 503), (0.5, 200), (0.88, 503)):
            leave(share)
            product.wait_until(lambda: ready(product) == status)  # noqa: B023
        assert product.log().count("newcomers are refused until it is less") == 2
        assert product.stop() == 0, "nobody was killed"
    finally:
        product.stop(signal.SIGKILL)  # nothing happens to what has stopped
        remove(group)


def remove(group: Path) -> None:
    """Take it away as soon as the last that was in it has gone, whoever that was a child of."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.02)
        else:
            return
    group.rmdir()


def ready(product: Product) -> int:
    """What the gateway says at /ready; 0 where it says nothing."""
    address = f"{product.ws.replace('ws:', 'http:')}/ready"
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310  our own
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
