"""`manage.py gateway` on a database of its own, and the gateway as an application for other servers."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from core.client_address import TrustedProxies
from gateway.connections.registry import ConnectionRegistry
from gateway.routing.table import RouteTable
from gateway.server import asgi
from gateway.server.context import GatewayContext
from tests.environment import PATIENCE
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import FixedRouting
from tests.wire.peers import free_port
from tests.wire.test_server import ROOT

pytestmark = pytest.mark.wire


def environment(folder: Path, certificate: Certificate, port: int) -> dict[str, str]:
    """The product's own settings, with a data folder and ports of the test's."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("APIM_")},
        "DJANGO_SETTINGS_MODULE": "apimanager.settings",
        "APIM_DATA_DIR": str(folder),
        "APIM_GATEWAY_WS_PORT": str(port),
        "APIM_GATEWAY_WSS_PORT": str(free_port()),
        "APIM_METRICS_PORT": str(free_port()),
        "APIM_TLS_CERTIFICATE": str(certificate.certificate),
        "APIM_TLS_KEY": str(certificate.key),
    }


def test_a_database_that_was_not_prepared_is_a_sentence(tmp_path: Path, certificate: Certificate) -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "gateway", "--workers", "1"],
        cwd=ROOT,
        env=environment(tmp_path, certificate, free_port()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "manage.py setup" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


async def breaker(port: int) -> bytes:
    """What the gateway says of itself; nothing while it is not there, or only looks whether the port is free."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    try:
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return await reader.read()
    except OSError:
        return b""
    finally:
        writer.close()


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, certificate: Certificate, prepared: Path) -> None:
    port = free_port()
    given = environment(Path(shutil.copytree(prepared, tmp_path / "var")), certificate, port)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "manage.py", "gateway", "--workers", "2", cwd=ROOT, env=given
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if answer := await breaker(port):
                    assert answer.startswith(b"HTTP/1.1 200 OK")
                    break
                await asyncio.sleep(0.05)
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Control:
    """Stands in for the control plane: remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def start(self) -> None:
        self.told.append("start")

    async def stop(self) -> None:
        self.told.append("stop")


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    made = Control()
    monkeypatch.setattr(
        asgi,
        "open_context",
        lambda: (GatewayContext(routing=FixedRouting(RouteTable(), {}), connections=ConnectionRegistry()), made),
    )
    return made


async def ask(application: asgi.StandaloneGateway, path: str) -> int:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    await application({"type": "http", "method": "GET", "path": path}, receive, send)
    return int(sent[0]["status"])


async def test_elsewhere_the_control_plane_starts_with_the_first_client_and_once(control: Control) -> None:
    application = asgi.StandaloneGateway()
    assert await asyncio.gather(*(ask(application, "/health") for _ in range(3))) == [200, 200, 200]
    assert await ask(application, "/nothing") == 404
    assert control.told == ["start"]


@pytest.mark.parametrize(("peer", "scheme"), [("127.0.0.1", "wss"), ("127.0.0.2", "ws")])
async def test_elsewhere_too_a_proxy_says_who_comes_and_how(
    control: Control, monkeypatch: pytest.MonkeyPatch, settings: LazySettings, peer: str, scheme: str
) -> None:
    settings.TRUSTED_PROXIES = TrustedProxies(["127.0.0.1"])
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"], scope["scheme"]))

    monkeypatch.setattr(asgi, "gateway_application", lambda context: application)
    headers = [(b"x-forwarded-for", b"192.0.2.7"), (b"x-forwarded-proto", b"https")]
    await asgi.StandaloneGateway()(
        {"type": "websocket", "scheme": "ws", "client": (peer, 80), "headers": headers}, None, None
    )
    assert seen == [(("192.0.2.7" if scheme == "wss" else peer, 80), scheme)]


async def test_elsewhere_a_lifespan_starts_and_stops_the_control_plane(control: Control) -> None:
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    answers: list[str] = []

    async def receive() -> Any:
        return next(events)

    async def send(message: Any) -> None:
        answers.append(message["type"])

    await asgi.StandaloneGateway()({"type": "lifespan"}, receive, send)
    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert control.told == ["start", "stop"]
