"""The buttons over the console's timeline, in Node: a browser takes a hundred times as long for them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.environment import find_node


def test_pause_pretty_search_export_and_replay_do_what_they_say() -> None:
    script = Path(__file__).with_name("console.mjs")
    ran = subprocess.run([find_node(), script], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
