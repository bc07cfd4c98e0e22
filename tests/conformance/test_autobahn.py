"""Autobahn's verdict on a server and on a client is the same with the gateway in between, case by case."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance import autobahn, echo
from tests.conformance.autobahn import LONG, USUAL, Verdicts
from tests.conformance.length import IS_LONG
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import TOKEN, running

pytestmark = [pytest.mark.wire, pytest.mark.xdist_group("autobahn")]

CASES = (*USUAL, *LONG) if IS_LONG else USUAL
COUNT = 517 if IS_LONG else 247
PATIENCE = 6000.0 if IS_LONG else 420.0


def check(verdicts: dict[str, Verdicts], *agents: str) -> None:
    """Every case was run, the direct way is sound, and no other way differs from it."""
    direct = verdicts["direct"]
    assert len(direct) == COUNT
    for name in verdicts:
        print(name, dict(Counter(verdict.behavior for verdict in verdicts[name].values())))  # noqa: T201
    for agent in agents:
        assert autobahn.differences(direct, verdicts[agent]) == {}
    assert [name for name, verdict in direct.items() if verdict.behavior == "FAILED"] in ([], ["7.1.5"])


async def test_the_fuzzing_client_meets_the_same_server_through_the_gateway(
    certificate: Certificate, tmp_path: Path
) -> None:
    autobahn.ensure()
    async with (
        echo.server(compresses=IS_LONG) as url,
        running(url) as plain,
        running(url, server_tls=certificate.server_context(), client_tls=certificate.client_context()) as secure,
    ):
        query = f"?access_token={TOKEN}"
        targets = {"direct": url, "ws": plain.url + query, "wss": secure.url + query}
        check(await autobahn.fuzz(targets, CASES, folder_for(tmp_path), PATIENCE), "ws", "wss")


async def test_the_fuzzing_server_meets_the_same_client_through_the_gateway(tmp_path: Path) -> None:
    autobahn.ensure()
    folder = folder_for(tmp_path)
    async with autobahn.fuzzing_server(CASES, folder) as url, running(url) as gateway:
        bases = {"direct": url, "gateway": gateway.url}
        verdicts = await autobahn.suffer(bases, gateway.headers, folder, PATIENCE, compresses=IS_LONG)
        check(verdicts, "gateway")


def folder_for(tmp_path: Path) -> Path:
    """Where the suite's reports go: AUTOBAHN_REPORTS, to be looked at afterwards, or nowhere that stays."""
    kept = os.environ.get("AUTOBAHN_REPORTS")
    return Path(kept).resolve() / tmp_path.name if kept else tmp_path
