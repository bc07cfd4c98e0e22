from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import programs
from bench.errors import BenchError


def test_without_a_compiler_the_benchmark_says_in_one_sentence_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(programs, "BUILD", tmp_path / "nothing built yet")
    assert bench.main(["--quick"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "install gcc" in told.err
    assert told.err.count("\n") == 1


def test_a_compiler_named_in_cc_that_is_not_there_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O3")
    with pytest.raises(BenchError, match="needs a C compiler"):
        programs.compiler()


def test_a_program_is_not_compiled_again_while_its_source_is_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "echo"
    program.write_text("built earlier")
    monkeypatch.setenv("CC", "no-such-compiler")
    assert programs.build("echo", tmp_path) == program
    assert program.read_text() == "built earlier"


def test_an_unknown_proxy_name_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["--only", "nginx,squid"])
    assert ended.value.code == 2
    assert "squid is none of direct, gateway, nginx, haproxy" in capsys.readouterr().err
