"""The measurements of how fast sockets close and how well a rate is kept: a handful of sockets, for a moment."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT, free_ports

pytestmark = pytest.mark.xdist_group("long")  # groups begin first

# Both on one gateway: its start, and Django's, cost more than all that is measured.
BOTH = """
import argparse, asyncio, pathlib, sys
from bench import closes, shaping
folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
few = argparse.Namespace(
    sockets=6, workers=2, rounds=1, settle=0.5, seconds=0.5, warm_up=0.3, rates=[500], port_base=port
)
closes.set_up(folder, port)
with closes.gateway(few, folder / "log.txt"):
    asyncio.run(closes.measure(few))
    asyncio.run(shaping.measure(few))
"""


def test_every_right_that_ends_closes_with_its_code_and_a_rate_is_kept_in_order_and_without_loss(
    tmp_path: Path, prepared: Path
) -> None:
    shutil.copytree(prepared, tmp_path / "var")
    ended = subprocess.run(
        [sys.executable, "-c", BOTH, tmp_path, str(free_ports(1)[0])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    rows = re.findall(r"^(.+?)\s+\d+\s+\d+\s+\d+\s+\{(\d+)\}$", ended.stdout, re.M)
    assert rows == [
        ("token revoked", "4001"),
        ("subscription blocked", "4006"),
        ("application deleted", "4001"),
        ("API blocked", "4006"),
        ("deny policy added", "4006"),
    ]
    shaped = re.findall(r"^\s*(\d+)\s+([\d.]+)\s+\S+%\s+\S+x\s+\S+x\s+(\d+)\s+(\d+)$", ended.stdout, re.M)
    assert [(rate, reordered, lost) for rate, _, reordered, lost in shaped] == [("500", "0", "0")]
    assert all(float(seen) > 0 for _, seen, _, _ in shaped)
