"""Which core is whose."""

from __future__ import annotations

import os

import pytest

from bench.processes import cores


@pytest.mark.parametrize(
    ("allowed", "found"),
    [({0, 1}, (0, 1)), ({7, 2, 5}, (2, 5)), ({3}, (3, 3))],
    ids=["two", "some of many", "one that both share"],
)
def test_proxy_and_generator_have_a_core_each_of_those_that_are_allowed(
    allowed: set[int], found: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: allowed, raising=False)
    assert cores() == found
