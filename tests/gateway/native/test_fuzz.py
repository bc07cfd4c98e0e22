"""The scanner and the readers of heads in C, under sanitizers where the compiler has them, given changed seeds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway import native
from gateway.native import build, sanitized
from gateway.native.fuzz import __main__ as fuzzer

LIMIT = 32768


def test_nothing_is_found_in_a_second_of_fuzzing(capfd: pytest.CaptureFixture[str]) -> None:
    code = fuzzer.main(["--seconds", "1"])
    told = capfd.readouterr()
    assert code == 0 or "There is no fuzzing: " in told.err


def test_a_compiler_that_cannot_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "compiler", list)
    assert fuzzer.main([]) == 1
    assert capsys.readouterr().err == "There is no fuzzing: no C compiler was found.\n"
    assert sanitized.main([]) == 1
    assert capsys.readouterr().err == "The relay cannot be built with sanitizers: no C compiler was found.\n"


@pytest.mark.parametrize("relay", [native.PYTHON, native.NATIVE])
def test_a_run_in_which_no_sanitizer_could_see_the_extension_fails(
    relay: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "build_sanitized", str)  # none is preloaded
    monkeypatch.setattr(build, "main", int)
    monkeypatch.setenv(native.SETTING, relay)
    assert sanitized.main(["--version"]) == 1
    runs = relay == native.NATIVE and native.find_extension() and "LD_PRELOAD" not in os.environ  # not sanitized itself
    told = "The sanitizers do not see a fault" if runs else "The tests would not run on the relay in C."
    assert told in capfd.readouterr().err


def test_the_fuzzer_begins_with_what_is_read() -> None:
    is_read = native.RELAY == native.NATIVE
    assert bool(native.read_request(fuzzer.REQUEST, LIMIT)) is is_read
    assert bool(native.read_switch(fuzzer.SWITCH, LIMIT)) is is_read
