"""The gateway's processes: they share ports, replace the dead, stop gently, and say why they cannot start."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway import native
from tests import forks
from tests.environment import PATIENCE
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import TOKEN
from tests.wire.peers import free_port, raw_client, request, websockets_backend

pytestmark = pytest.mark.wire

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Served:
    """A gateway in processes of its own."""

    process: forks.Process | asyncio.subprocess.Process
    ws_port: int
    wss_port: int
    said: str = ""

    @property
    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    async def client(self, path: str = "/echo/1.0.0", **options: Any) -> ClientConnection:
        """A new connection of Carol's."""
        url = f"ws://127.0.0.1:{self.ws_port}{path}"
        return await connect(url, additional_headers={"Authorization": f"Bearer {TOKEN}"}, **options)

    async def until_up(self) -> None:
        """Wait until somebody answers."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    client = await self.client(open_timeout=PATIENCE)  # once counted, not given up and counted again
                except (OSError, TimeoutError, EOFError):
                    assert self.process.returncode is None
                    await asyncio.sleep(0.05)
                else:
                    await client.close()
                    return

    async def stop(self) -> tuple[int, str]:
        """SIGTERM; the exit code and what was written."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.stop_by_itself()

    async def stop_by_itself(self) -> tuple[int, str]:
        """Wait for the end; the exit code and what was written."""
        async with asyncio.timeout(PATIENCE):
            _, written = await self.process.communicate()
        return self.process.returncode or 0, self.said + written.decode()

    async def until_said(self, text: str) -> None:
        """Wait until a line with this text has been written."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while text not in (line := (await self.process.stderr.readline()).decode()):
                assert line, "it has ended"
                self.said += line
        self.said += line


@asynccontextmanager
async def served(
    backend: str, pair: Certificate, environment: dict[str, str] | None = None, **plan: Any
) -> AsyncIterator[Served]:
    """A running gateway; killed at the end if it has not ended."""
    ports = {"ws_port": free_port(), "wss_port": free_port()}
    given = {
        "backend": backend,
        "certificate": str(pair.certificate),
        "key": str(pair.key),
        **ports,
        **plan,
    }
    process: forks.Process | asyncio.subprocess.Process
    if environment is None:
        process = await forks.start("tests.wire.served", json.dumps(given), heard=True)
    else:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.wire.served",
            json.dumps(given),
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    made = Served(process, given["ws_port"], given["wss_port"])
    try:
        yield made
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_several_workers_share_both_ports(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, workers=2) as gateway:
        await gateway.until_up()
        assert len(gateway.workers) == 2
        clients = [await gateway.client() for _ in range(24)]
        held = [len([each for each in worker.net_connections() if each.raddr]) for worker in gateway.workers]
        assert all(held)
        for client in clients:
            await client.send("x")
            assert await client.recv() == "x"
        url = f"wss://localhost:{gateway.wss_port}/echo/1.0.0"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with connect(url, additional_headers=headers, ssl=certificate.client_context()) as client:
            await client.send("over TLS")
            assert await client.recv() == "over TLS"
        code, written = await gateway.stop()
    assert (code, written) == (0, "")


async def test_without_its_extension_the_gateway_relays_all_the_same(certificate: Certificate) -> None:
    in_python = {native.SETTING: native.PYTHON}
    async with websockets_backend() as backend, served(backend, certificate, in_python) as gateway:
        await gateway.until_up()
        url, headers = f"wss://localhost:{gateway.wss_port}/echo/1.0.0", {"Authorization": f"Bearer {TOKEN}"}
        secured = await connect(url, additional_headers=headers, ssl=certificate.client_context())
        for client in (secured, await gateway.client()):
            for message in ("short", "x" * 100_000):
                await client.send(message)
                assert await client.recv() == message
            await client.close(4000)
            assert client.close_code == 4000
        libraries = Path(f"/proc/{gateway.workers[0].pid}/maps").read_text()
        assert "uvloop" in libraries
        assert "_native" not in libraries
        assert await gateway.stop() == (0, "")


async def test_stopping_asks_every_client_to_come_back_and_tells_newcomers_so(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, workers=2, drain=1.5) as gateway:
        await gateway.until_up()
        clients = [await gateway.client() for _ in range(6)]
        gateway.process.terminate()
        await asyncio.wait_for(clients[0].wait_closed(), 5)
        for port, tls in ((gateway.ws_port, None), (gateway.wss_port, certificate.client_context())):
            assert (await asked(port, "/health", tls)).startswith(b"HTTP/1.1 200 ")
            assert (await asked(port, "/ready", tls)).startswith(b"HTTP/1.1 503 ")
        with pytest.raises(InvalidStatus) as refused:
            await gateway.client()
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["Retry-After"]) > 0
        for client in clients:
            await asyncio.wait_for(client.wait_closed(), 5)
        assert {client.close_code for client in clients} == {1012}
        assert (await gateway.stop())[0] == 0
        for port in (gateway.ws_port, gateway.wss_port):
            socket.create_server(("127.0.0.1", port)).close()


async def test_a_gateway_that_serves_is_ready_on_both_ports(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate) as gateway:
        await gateway.until_up()
        for port, tls in ((gateway.ws_port, None), (gateway.wss_port, certificate.client_context())):
            for path in ("/health", "/ready"):
                assert (await asked(port, path, tls)).startswith(b"HTTP/1.1 200 ")


async def asked(port: int, path: str, tls: ssl.SSLContext | None = None) -> bytes:
    """The answer to a plain request."""
    async with raw_client(port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), tls) as client:
        return await client.rest()


async def test_a_dead_worker_is_replaced_while_the_others_go_on(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, workers=2) as gateway:
        await gateway.until_up()
        clients = [await gateway.client() for _ in range(24)]
        victim = gateway.workers[0]
        victim.send_signal(signal.SIGKILL)
        again = [await gateway.client(open_timeout=10) for _ in range(8)]
        answers = await asyncio.gather(*(still_there(client) for client in clients))
        assert any(answers)
        assert not all(answers)
        assert all(await asyncio.gather(*(still_there(client) for client in again)))
        assert victim.pid not in [worker.pid for worker in gateway.workers]
        code, written = await gateway.stop()
    assert code == 0
    assert "killed by SIGKILL" in written


async def still_there(client: ClientConnection) -> bool:
    try:
        await client.send("?")
        return await client.recv() == "?"
    except ConnectionClosed:
        return False


async def test_a_gateway_whose_parent_is_killed_does_not_stay(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate) as gateway:
        await gateway.until_up()
        workers = gateway.workers
        gateway.process.kill()
        await gateway.process.communicate()
        assert psutil.wait_procs(workers, timeout=5)[1] == []


@pytest.mark.parametrize("which", ["ws_port", "wss_port"])
async def test_a_port_that_is_taken_is_one_sentence(which: str, certificate: Certificate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with served("ws://127.0.0.1:1", certificate, **{which: port}) as gateway:
            code, written = await gateway.stop_by_itself()
    assert code == 1
    assert written.count("\n") == 1
    assert f"Port {port} is in use" in written
    assert f"APIM_GATEWAY_{which[:-5].upper()}_PORT" in written


async def test_a_port_shared_by_another_gateway_is_taken_too(certificate: Certificate) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        async with served("ws://127.0.0.1:1", certificate, ws_port=other.getsockname()[1]) as gateway:
            assert (await gateway.stop_by_itself())[0] == 1


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
async def test_a_certificate_that_cannot_be_read_is_one_sentence(
    content: str | None, certificate: Certificate, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pem"
    if content is not None:
        broken.write_text(content)
    async with served("ws://127.0.0.1:1", certificate, certificate=str(broken)) as gateway:
        code, written = await gateway.stop_by_itself()
    assert code == 1
    assert written.count("\n") == 1
    assert "APIM_TLS_CERTIFICATE" in written
    assert str(broken) in written


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_credential_is_in_what_the_processes_write_at_their_most_talkative(
    form: str, certificate: Certificate
) -> None:
    canary = "canary-0123456789"
    plan = {"environment": {"APIM_LOG_FORMAT": form}, "log_level": "DEBUG", "write_access": True}
    async with websockets_backend() as backend, served(backend, certificate, **plan) as gateway:
        await gateway.until_up()
        answers = []
        for first in (
            request(token=canary),
            request(f"/echo/1.0.0?access_token={canary}", token=None),
            request(f"/echo/1.0.0?access_token={canary}\x7f", token=canary),
            request(f"/nothing?access_token={canary}", token=None).replace(b"Upgrade", b"X", 2),
            request(headers=[("Sec-WebSocket-Protocol", f"bearer.{canary}, chat")], token=None),
        ):
            async with raw_client(gateway.ws_port, first) as client:
                answers.append(await client.rest())
        code, written = await gateway.stop()
    assert code == 0
    assert canary not in written
    assert all(answers)
    if form == "json":
        lines = [json.loads(line) for line in written.splitlines()]
        assert {"time", "level", "logger", "message", "process"} <= set.intersection(*map(set, lines))
        named = re.findall(rb"X-APIM-Request-Id: (\w+)", b"".join(answers), re.IGNORECASE)
        assert {name.decode() for name in named} <= {line.get("request_id") for line in lines}
        assert len(named) >= 4


async def test_in_json_every_line_is_an_object_whatever_goes_wrong(certificate: Certificate, tmp_path: Path) -> None:
    pair = replace(certificate, certificate=tmp_path / "certificate.pem")
    shutil.copy(certificate.certificate, pair.certificate)
    environment = {"APIM_LOG_FORMAT": "json"}
    async with websockets_backend() as backend, served(backend, pair, environment) as gateway:
        await gateway.until_up()
        gateway.workers[0].send_signal(signal.SIGKILL)
        await gateway.until_up()
        pair.certificate.write_text("nonsense")
        gateway.process.send_signal(signal.SIGHUP)
        await gateway.until_said("could not be renewed")
        code, written = await gateway.stop()
    assert code == 0
    said = [json.loads(line)["message"] for line in written.splitlines()]
    assert any("killed by SIGKILL" in each for each in said)
    assert any("could not be renewed" in each for each in said)
