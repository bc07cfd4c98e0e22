"""`make sanitized`: tests over the extension with AddressSanitizer and UBSan, in every process that they start.

    python -m gateway.native.sanitized [ARGUMENTS OF PYTEST]

The first fault ends the process that has it, be it a test's or a gateway's. What a sanitizer has to say it writes to a
file of its own for each process, so that a fault fails the run even where nobody misses the process: a worker is
replaced, a test kills its gateway in the end. Leaks are the interpreter's own, and are not looked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from gateway.native import build

# Left out: Chromium, the portals' processes, and tests that measure memory, of which sanitizers take their own.
TESTS: Final = (
    *("tests/gateway/native", "tests/wire", "tests/conformance", "tests/attack"),
    *("--ignore=tests/wire/test_browsers.py", "--ignore=tests/attack/test_a_month.py"),
    *("--ignore=tests/attack/test_rest_contract.py", "--ignore=tests/attack/test_portal.py"),
    "--ignore=tests/gateway/native/test_sanitized.py",  # which does this
    *("-k", "not cost_at_most and not costs_at_most"),
)
RELAY: Final = "from gateway import native; raise SystemExit(native.REASON or None)"
# A byte beyond eight that were asked for, written by a child of a child: what is to be found in gateways.
FAULT: Final = "import ctypes; m = ctypes.CDLL(None).malloc; m.restype = ctypes.c_void_p; ctypes.memset(m(8), 0, 9)"
CHILD: Final = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {FAULT!r}], stderr=subprocess.DEVNULL)"


def main(arguments: list[str]) -> int:
    """0: the tests passed, and no sanitizer had anything to say."""
    try:
        preloaded = build.build_sanitized()
    except build.CannotBuild as error:
        print(f"The relay cannot be built with sanitizers: {error}.", file=sys.stderr)  # noqa: T201
        return 1
    try:
        with tempfile.TemporaryDirectory() as name:
            return _run(Path(name), preloaded, arguments or list(TESTS))
    finally:
        build.main()


def _run(folder: Path, preloaded: str, arguments: list[str]) -> int:
    settings = {
        "LD_PRELOAD": preloaded,
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": f"detect_leaks=0:log_path={folder}/asan",
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={folder}/ubsan",
    }
    environment, root = {**os.environ, **settings}, build.HERE.parent.parent
    if subprocess.run([sys.executable, "-c", RELAY], env=environment, cwd=root, check=False).returncode:  # noqa: S603
        print("The tests would not run on the relay in C.", file=sys.stderr)  # noqa: T201
        return 1
    subprocess.run([sys.executable, "-c", CHILD], env=environment, check=False)  # noqa: S603
    if not (seen := list(folder.iterdir())):
        print("The sanitizers do not see a fault in a process that a test has started.", file=sys.stderr)  # noqa: T201
        return 1
    for report in seen:
        report.unlink()
    code = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "--max-worker-restart", "0", *arguments],
        env=environment,
        cwd=root,
        check=False,
    ).returncode
    for report in sorted(folder.iterdir()):
        print(report.read_text(errors="replace"), file=sys.stderr)  # noqa: T201
        code = code or 1
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
