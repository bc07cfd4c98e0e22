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


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--only", "nginx,squid"],
            "squid is none of direct, gateway, gateway-2, gateway-before, gateway-python, gateway-unlimited, "
            "nginx, haproxy, envoy, caddy, nginx-2",
        ),
        (["--loads", "2"], "2 is none of 1, 100, 1000, pipelined, 16k, handshakes, latency, memory"),
        (["--schemes", "http"], "http is none of ws, wss"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(options)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
