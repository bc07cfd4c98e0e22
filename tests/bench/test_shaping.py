"""The measurement of how well a rate is kept, for a moment."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.environment import ROOT, free_ports

pytestmark = pytest.mark.xdist_group("long")  # groups begin first
BRIEFLY = ("--sockets", "4", "--seconds", "1", "--warm-up", "0.5", "--rates", "500")


def test_a_rate_is_measured_and_nothing_is_lost_or_out_of_order() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench.shaping", *BRIEFLY, "--port-base", str(free_ports(1)[0])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    rows = re.findall(r"^\s*(\d+)\s+([\d.]+)\s+\S+%\s+\S+x\s+\S+x\s+(\d+)\s+(\d+)$", ended.stdout, re.M)
    assert [(rate, reordered, lost) for rate, _, reordered, lost in rows] == [("500", "0", "0")]
    assert all(float(seen) > 0 for _, seen, _, _ in rows)
