"""How many cores a process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.server.processes import cores

OWN = "0::/pods/one/worker\n"


@pytest.fixture(autouse=True)
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is bound to four cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 3, 5, 7}, raising=False)


def counted(folder: Path, own: str, limits: dict[str, str]) -> float:
    """What is found where these control groups, by their place, have these limits."""
    for place, limit in limits.items():
        group = folder / "cgroup" / place
        group.mkdir(parents=True, exist_ok=True)
        (group / "cpu.max").write_text(limit)
    (folder / "own").write_text(own)
    return cores(folder / "cgroup", folder / "own")


@pytest.mark.parametrize(
    ("own", "limits", "found"),
    [
        (OWN, {}, 4),
        (OWN, {"pods/one/worker": "max 100000\n"}, 4),
        (OWN, {"pods/one/worker": "150000 100000\n"}, 1.5),
        (OWN, {"pods/one/worker": "max 100000\n", "pods": "50000 100000\n"}, 0.5),
        (OWN, {"pods/one/worker": "50000 100000\n", "pods": "200000 100000\n"}, 0.5),
        (OWN, {"pods/one": "800000 100000\n"}, 4),
        (OWN, {"pods/two": "50000 100000\n"}, 4),
        (OWN, {"pods/one/worker": "nonsense\n"}, 4),
        ("4:cpu,cpuacct:/pods/one/worker\n", {"pods/one/worker": "50000 100000\n"}, 4),
        ("0::/\n", {"": "300000 100000\n"}, 3),
    ],
    ids=[
        "no limit",
        "max is no limit",
        "a limit",
        "that of a group above it",
        "the lower one",
        "more than it is bound to",
        "that of another",
        "nonsense",
        "control groups of version 1",
        "in the group at the top, as in a container",
    ],
)
def test_a_process_may_use_what_it_is_bound_to_as_far_as_its_control_groups_let_it(
    own: str, limits: dict[str, str], found: float, tmp_path: Path
) -> None:
    assert counted(tmp_path, own, limits) == found


def test_where_nothing_is_said_of_control_groups_it_is_what_a_process_is_bound_to(tmp_path: Path) -> None:
    assert cores(tmp_path, tmp_path / "missing") == 4
