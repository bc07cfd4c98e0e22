"""The measurement of how fast sockets close, with a handful of them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.environment import ROOT, free_ports

pytestmark = pytest.mark.xdist_group("long")  # groups begin first
FEW = ("--sockets", "8", "--workers", "2", "--rounds", "1")


def test_every_right_that_ends_is_measured_and_closes_with_its_code() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench.closes", *FEW, "--port-base", str(free_ports(1)[0])],
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
