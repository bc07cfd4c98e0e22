"""Compiles the load generator and the echo backend into `build/bench/`."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from bench.errors import BenchError

SOURCES = Path(__file__).resolve().parent
BUILD = SOURCES.parent / "build" / "bench"
HEADERS = sorted(SOURCES.glob("*.h"))


def build(name: str, target: Path | None = None) -> Path:
    """The program `name` (`wsload` or `echo`), compiled afresh when its source is newer.

    Raises BenchError when there is no C compiler or it does not accept the source.
    """
    target = target or BUILD
    source, program = SOURCES / f"{name}.c", target / name
    if program.exists() and all(program.stat().st_mtime > each.stat().st_mtime for each in (source, *HEADERS)):
        return program
    target.mkdir(parents=True, exist_ok=True)
    fresh = target / f"{name}.{os.getpid()}"
    command = [*compiler(), "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", str(fresh), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BenchError(f"The C compiler refused {source.name}:\n{result.stderr.strip()}")
    fresh.replace(program)
    return program


def compiler() -> list[str]:
    """The command of the C compiler: `$CC`, else the first of cc, gcc and clang that is installed."""
    named = shlex.split(os.environ.get("CC", ""))
    for command in [named] if named else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    raise BenchError(
        "The benchmark needs a C compiler and found none: install gcc with its C library headers "
        "(on Debian: apt-get install gcc libc6-dev), or name another compiler in CC, then run make bench again."
    )
