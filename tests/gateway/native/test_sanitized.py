"""`make sanitized` in its short form: a gateway over an extension with sanitizers, where the machine can build one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.native import build

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("accounts", "apimanager", "core", "devportal", "gateway", "publisher", "static", "templates", "tests")
FILES = ("manage.py", "pyproject.toml")
TOOLS = (".tools", ".venv")
SHORT = ("tests/gateway/native/test_closing.py", "tests/wire/test_relay_closing.py", "tests/wire/test_relay.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The product and its tests in a folder of their own: what is built in a tree takes the place of what is in use."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "_native*"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    for name in TOOLS:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_a_gateway_shakes_hands_relays_and_closes_under_sanitizers(tree: Path) -> None:
    ours = ("APIM_", "PYTEST_", "LD_PRELOAD")
    done = subprocess.run(
        [sys.executable, "-m", "gateway.native.sanitized", "-q", "-n", "0", *SHORT],
        cwd=tree,
        env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    told = done.stdout + done.stderr
    if not (tree / "gateway/native" / build.EXTENSION.name).exists():  # no compiler, or none with sanitizers
        assert (done.returncode, done.stdout) == (1, ""), told
        assert done.stderr.startswith("The relay cannot be built with sanitizers: ")
    else:
        assert done.returncode == 0, told
        assert " passed" in done.stdout
