"""Whole runs, as short as they can be and without a proxy."""

from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import rounds
from tests.environment import free_ports

pytestmark = pytest.mark.wire
SHORT = ("--only", "direct", "--rounds", "2", "--seconds", "0.05", "--turns", "1")


def test_a_run_prints_its_tables_and_writes_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "docs" / "page.md"
    port = str(free_ports(1)[0])
    options = ["--schemes", "ws", "--loads", "1,latency", "--rate", "500", "--port-base", port]
    assert bench.main([*SHORT, *options, "--write", str(page)]) == 0
    told = capsys.readouterr().out
    assert "round 2 of 2" in told
    for words in ("1 connection, 1 message in flight, 125 B, ws", "125 B, ws, 500 messages/s"):
        assert words in told
        assert words in page.read_text()


def test_at_equal_load_every_proxy_is_visited_again_and_again_and_every_look_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--schemes", "ws", "--loads", "latency", "--rate", "500", "--port-base", str(free_ports(1)[0])]
    assert bench.main([*SHORT, *options, "--rounds", "1", "--turns", "3"]) == 0
    looks = [line for line in capsys.readouterr().out.splitlines() if "busy  Latency at equal load" in line]
    assert len(looks) == 3 * rounds.PACED_AGAIN


def test_no_round_is_begun_for_which_there_is_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    port = str(free_ports(1)[0])
    options = ["--schemes", "ws", "--loads", "1", "--minutes", "0.0001", "--port-base", port]
    assert bench.main([*SHORT, *options]) == 0
    told = capsys.readouterr().out
    assert "there is no time for another one" in told
    assert "round 2" not in told


def test_without_a_tls_library_ws_is_measured_and_wss_named_as_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.Generator, "tls", lambda generator: "")
    options = ["--loads", "1", "--port-base", str(free_ports(1)[0])]
    assert bench.main([*SHORT, *options]) == 0
    told = capsys.readouterr().out
    assert "left out: wss" in told
    assert "125 B, wss" not in told


def test_a_run_with_errors_is_named_counts_for_nothing_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = rounds.Generator.run

    def fail(self: rounds.Generator, *args: object, **named: object) -> object:
        found = broken(self, *args, **named)  # type: ignore[arg-type]
        found.errors["lost"] = 3
        return found

    monkeypatch.setattr(rounds.Generator, "run", fail)
    page = tmp_path / "page.md"
    options = ["--schemes", "ws", "--loads", "1", "--port-base", str(free_ports(1)[0]), "--write", str(page)]
    assert bench.main([*SHORT, *options]) == 1
    assert "problem: direct: 1 connection, 1 message in flight, 125 B, ws: 3 lost" in capsys.readouterr().out
    assert "| direct | – |" in page.read_text()
