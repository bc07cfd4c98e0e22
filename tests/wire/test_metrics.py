"""Scraping a gateway whose workers live, are killed, renewed and stand still. Real processes, Prometheus' parser."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from websockets.exceptions import InvalidStatus

from gateway import native
from tests.environment import PATIENCE
from tests.gateway.observability.test_metrics import IN, OUT, Samples, parsed
from tests.wire.conftest import Certificate
from tests.wire.peers import free_port, websockets_backend
from tests.wire.test_server import Served, served
from tests.wire.test_workers import until

pytestmark = pytest.mark.wire


class Watched:
    """A gateway with a port for metrics."""

    def __init__(self, gateway: Served, port: int) -> None:
        self.gateway = gateway
        self.port = port

    @property
    def workers(self) -> list[psutil.Process]:
        """Without the process that answers scrapes."""
        return [each for each in self.gateway.workers if self.gateway.ws_port in ports_of(each)]

    async def scrape(self) -> Samples:
        return parsed((await asyncio.to_thread(self.read, "text/plain"))[1])

    def read(self, accept: str) -> tuple[str, str]:
        """Content type and text of a scrape."""
        request = Request(f"http://127.0.0.1:{self.port}/metrics", headers={"Accept": accept})
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.headers["Content-Type"], answer.read().decode()

    async def until(self, name: str, labels: tuple[tuple[str, str], ...], value: float) -> Samples:
        """Scrape until a sample has a value."""
        async with asyncio.timeout(PATIENCE):
            while (samples := await self.scrape()).get((name, labels)) != value:
                await asyncio.sleep(0.05)
        return samples


def ports_of(process: psutil.Process) -> set[int]:
    """Where it listens; nowhere when it has ended."""
    try:
        return {each.laddr.port for each in process.net_connections() if not each.raddr}
    except psutil.Error:
        return set()


@asynccontextmanager
async def watched(certificate: Certificate, folder: Path) -> AsyncIterator[Watched]:
    port = free_port()
    plan = {"workers": 2, "metrics_port": port, "metrics_folder": str(folder / "metrics")}
    async with websockets_backend() as backend, served(backend, certificate, **plan) as gateway:
        await gateway.until_up()
        yield Watched(gateway, port)


async def test_what_happens_at_the_gateway_is_in_the_metrics(certificate: Certificate, tmp_path: Path) -> None:
    async with watched(certificate, tmp_path) as watch:
        client = await watch.gateway.client()
        for _ in range(5):
            await client.send("four")
            await client.recv()
        with suppress(InvalidStatus):
            await watch.gateway.client(path="/nothing")
        samples = await watch.until("apim_messages_total", OUT, 5)
        assert samples["apim_message_bytes_total", IN] == 20
        assert samples["apim_workers", ()] == 2
        relays = {dict(labels)["relay"] for name, labels in samples if name == "apim_worker_relay"}
        assert relays == {native.RELAY}  # that of all workers, which the banner names too
        await watch.until("apim_refusals_total", (("code", "900906"), ("status", "404")), 1)
        await watch.until("apim_dial_seconds_count", (("api", "Echo"), ("status", "101"), ("version", "1.0.0")), 2)
        await client.close(4321)
        await watch.until("apim_closes_total", (("by", "client"), ("code", "4xxx")), 1)
        kind, text = watch.read("application/openmetrics-text; version=1.0.0")
        assert kind.startswith("application/openmetrics-text")
        assert len(list(openmetrics.text_string_to_metric_families(text))) > 10
        assert (await watch.gateway.stop())[0] == 0


async def test_no_counter_ever_falls_while_workers_are_killed_and_renewed(
    certificate: Certificate, tmp_path: Path
) -> None:
    async with watched(certificate, tmp_path) as watch:
        fallen: list[tuple[object, float, float]] = []

        async def look() -> None:
            before: Samples = {}
            while True:
                now = await watch.scrape()
                counters = {each: value for each, value in before.items() if not is_gauge(each[0])}
                fallen.extend(
                    (each, value, now.get(each, 0.0)) for each, value in counters.items() if now[each] < value
                )
                before = now

        looking = asyncio.create_task(look())
        clients = [await watch.gateway.client() for _ in range(10)]
        for client in clients:
            await client.send("hello")
            await client.recv()
        before = await watch.until("apim_messages_total", IN, 10)
        old = {each.pid for each in watch.workers}
        watch.workers[0].send_signal(signal.SIGKILL)
        await until(lambda: len({each.pid for each in watch.workers} - old) == 1)
        watch.gateway.process.send_signal(signal.SIGHUP)
        await until(lambda: len(new := {each.pid for each in watch.workers}) == 2 and not new & old, 20)
        after = await watch.until("apim_workers", (), 2)
        looking.cancel()
        assert fallen == []
        assert after["apim_messages_total", IN] == before["apim_messages_total", IN] == 10
        assert after["apim_worker_starts_total", ()] == 5
        assert (await watch.gateway.stop())[0] == 0


def is_gauge(name: str) -> bool:
    """Or of one worker only, and gone with it."""
    return name in ("apim_workers", "apim_connections") or (name.startswith("apim_worker_") and "starts" not in name)


async def test_a_scrape_asks_nothing_of_the_workers(certificate: Certificate, tmp_path: Path) -> None:
    async with watched(certificate, tmp_path) as watch:
        await watch.until("apim_handshakes_total", (("status", "101"),), 1)
        workers = watch.workers
        for each in workers:
            each.suspend()
        try:
            assert (await watch.scrape())["apim_workers", ()] == 2
        finally:
            for each in workers:
                each.resume()


async def test_metrics_are_for_this_machine_only_and_nothing_else_is_served(
    certificate: Certificate, tmp_path: Path
) -> None:
    async with watched(certificate, tmp_path) as watch:
        process = next(each for each in watch.gateway.workers if each.pid not in {one.pid for one in watch.workers})
        assert {each.laddr for each in process.net_connections() if not each.raddr} == {("127.0.0.1", watch.port)}
        reader, writer = await asyncio.open_connection("127.0.0.1", watch.port)
        writer.write(b"GET /../../etc/passwd HTTP/1.0\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"404"
        writer.close()


async def test_a_port_for_metrics_that_is_taken_is_one_sentence(certificate: Certificate, tmp_path: Path) -> None:
    async with watched(certificate, tmp_path) as watch:
        plan = {"metrics_port": watch.port, "metrics_folder": str(tmp_path / "other")}
        async with served("ws://127.0.0.1:1", certificate, **plan) as second:
            code, written = await second.stop_by_itself()
    assert code == 1
    assert written == (
        f"Port {watch.port} is in use by another program: stop that program or choose another port with "
        "APIM_METRICS_PORT.\n"
    )
