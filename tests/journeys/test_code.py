"""The programs of Copy as code do what they promise: an echo, another token while connected, another connection."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest

from devportal.programs import program
from tests.environment import ROOT, WSCAT, find_node
from tests.journeys.gateway import refused_soon
from tests.journeys.wscat import CONNECTED, Wscat
from tests.product import Product

PATIENCE = 60.0  # seconds, after which the programs are ended and what they said is shown


class Script(Wscat):
    """The shell script, in a terminal as wscat wants one."""

    def __init__(self, file: Path, environment: Mapping[str, str]) -> None:
        self.terminal, inner = pty.openpty()
        self.process = subprocess.Popen(
            ["bash", file], stdin=inner, stdout=inner, stderr=inner, env=environment, close_fds=True
        )
        os.close(inner)
        self.screen = ""


def read_until(stream: IO[str] | None, word: str) -> None:
    """Read lines until one holds the word; fails at the end of the stream."""
    seen = []
    for line in stream or ():
        seen.append(line)
        if word in line:
            return
    pytest.fail(f"waited for {word!r}, saw {seen}")


def test_programs_are_answered_renew_their_token_and_come_back(product: Product, tmp_path: Path) -> None:
    api = product.act("publish", name="Programs", endpoint=f"{product.samples}/echo")
    keys = product.act("application", owner="carol", name="Programs client")
    product.act("subscribe", application=keys["application"], api=api)
    product.act("live_shortly", application=keys["application"], seconds=6)
    refused_soon(f"{product.ws}/programs/1.0.0", 401)
    for name, file in {"node": "client.mjs", "python": "client.py", "wscat": "client.sh"}.items():
        text = program(name, wss=f"{product.wss}/programs/1.0.0", gateway=product.wss, portal=product.portal)
        (tmp_path / file).write_text(text)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    (tmp_path / "wscat").write_text(f'#!/bin/sh\nexec {find_node()} {WSCAT} "$@"\n')
    (tmp_path / "wscat").chmod(0o755)
    certificate = str(product.data / "tls" / "certificate.pem")
    environment = {
        **os.environ,
        **{"CLIENT_ID": keys["client_id"], "CLIENT_SECRET": keys["secret"], "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        **{"NODE_EXTRA_CA_CERTS": certificate, "SSL_CERT_FILE": certificate},
    }
    commands = [[find_node(), tmp_path / "client.mjs"], [sys.executable, "-u", tmp_path / "client.py"]]
    running = [
        subprocess.Popen(each, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for each in commands
    ]
    watchdog = threading.Timer(PATIENCE, lambda: [each.kill() for each in running])
    watchdog.start()
    try:
        with Script(tmp_path / "client.sh", environment) as script:
            script.read_until(CONNECTED)
            script.type("Hello")
            script.read_until("< Hello")
        for each in running:
            read_until(each.stdout, "Hello")
            read_until(each.stdout, "Token renewed")
        product.act("revoke_all_tokens", application="Programs client")
        for each in running:
            read_until(each.stdout, "4001")
            read_until(each.stdout, "Hello")
    finally:
        watchdog.cancel()
        for each in running:
            each.kill()
            each.communicate()  # which closes what it wrote to
