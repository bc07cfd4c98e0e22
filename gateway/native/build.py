"""Compile the extension, where the machine can: `python gateway/native/build.py`. Quick when nothing has changed.

Without Django, and with the standard library alone: scripts/environment calls it before anything else is there. Beside
the extension lies `_native.why`: what it was made of and with, or why there is none, so that nothing is tried again
until one of them has changed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
SOURCES: Final = HERE / "src"
EXTENSION: Final = HERE / f"_native{sysconfig.get_config_var('EXT_SUFFIX') or '.so'}"
RECORD: Final = HERE / "_native.why"
FLAGS: Final = ("-O2", "-g", "-fPIC", "-shared", "-std=c11", "-D_GNU_SOURCE", "-fvisibility=hidden", "-Wall", "-Wextra")
SANITIZED: Final = (
    "-O1",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
)
SANITIZER: Final = "sanitized"  # stands for the fingerprint of an extension with sanitizers
LIBRARIES: Final = ("-lssl", "-lcrypto")
SECONDS: Final = 120.0


class CannotBuild(Exception):
    """There will be no extension. The text completes "the relay runs in Python, because …"."""


def main() -> int:
    """Bring the extension up to its sources. Always 0: without one the relay runs in Python."""
    fingerprint = _fingerprint()
    try:
        made_of, _, why = RECORD.read_text().partition("\n")
        if made_of == fingerprint and (why or EXTENSION.exists()):
            return 0
    except OSError:
        pass
    try:
        compile_to(EXTENSION)
        why = ""
    except CannotBuild as error:
        why = str(error)
    try:
        if why:
            EXTENSION.unlink(missing_ok=True)  # it was made of other sources
        RECORD.write_text(f"{fingerprint}\n{why}")
    except OSError:  # the tree cannot be written, so nothing was built either
        pass
    return 0


def build_sanitized() -> str:
    """Make an extension that ends the process at the first fault; what has to be in LD_PRELOAD. Raises CannotBuild.

    The next call of `main` makes it anew.
    """
    compile_to(EXTENSION, *SANITIZED)
    RECORD.write_text(f"{SANITIZER}\n")
    names = ("libasan.so", "libubsan.so")  # the compiler's own, which it says where it keeps
    found = [subprocess.check_output([*compiler(), f"-print-file-name={name}"], text=True) for name in names]  # noqa: S603
    return " ".join(path.strip() for path in found)


def compile_to(
    target: Path,
    *more: str,
    libraries: tuple[str, ...] = LIBRARIES,
    command: list[str] | None = None,
    include: str = "",
) -> None:
    """Make the extension. `more` goes to the compiler, `libraries` to the linker. Raises CannotBuild.

    `command` and `include` are another compiler and another Python's headers than this machine's.
    """
    if not sys.platform.startswith("linux"):
        raise CannotBuild("the extension is for Linux only")
    if sys.implementation.name != "cpython":
        raise CannotBuild("the extension is for CPython only")
    command = command or compiler()
    if not command:
        raise CannotBuild("no C compiler was found")
    if not include and not has_headers():
        raise CannotBuild("Python's headers were not found")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            made = Path(folder, target.name)
            sources = map(str, sorted(SOURCES.glob("*.c")))
            done = subprocess.run(  # noqa: S603 - the machine's own compiler
                [
                    *command,
                    *FLAGS,
                    *more,
                    f"-I{include or sysconfig.get_path('include')}",
                    "-o",
                    str(made),
                    *sources,
                    *libraries,
                ],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            if done.returncode:
                missing = "openssl/" in done.stderr and "No such file" in done.stderr
                raise CannotBuild("OpenSSL's headers were not found" if missing else "the C compiler failed")
            made.replace(target)  # whole or not at all, whoever else builds or loads it
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuild("the extension could not be written or compiled") from error


def is_current() -> bool:
    """Whether the extension in this tree is of these sources: a tree may have been changed and not been built since."""
    try:
        return RECORD.read_text().partition("\n")[0].split()[0] in (SANITIZER, sources())
    except (OSError, IndexError):
        return True  # whoever put it there without a record knows


def why_not() -> str:
    """Why there is no extension."""
    try:
        why = RECORD.read_text().partition("\n")[2]
    except OSError:
        return "the extension was not built"
    if why or is_current():
        return why or "the extension could not be loaded"
    return "the extension is of other sources than this tree, and `make run` makes it anew"


def compiler() -> list[str]:
    """The command that compiles C: CC if it is set, else what the machine has; empty if it has none."""
    found = (shutil.which(name) for name in ("cc", "gcc", "clang"))
    return shlex.split(os.environ.get("CC", "")) or [path for path in found if path][:1]


def sources() -> str:
    """Which sources these are, as a digest."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def has_headers() -> bool:
    return Path(sysconfig.get_path("include"), "Python.h").exists()


def _fingerprint() -> str:
    """Of everything that makes a difference: the sources; and this module, the interpreter, the compiler, headers."""
    has_openssl = Path("/usr/include/openssl/ssl.h").exists()
    told = f"{sys.version} {compiler()} {has_headers()} {has_openssl}"
    return f"{sources()} {hashlib.sha256(told.encode() + Path(__file__).read_bytes()).hexdigest()}"


if __name__ == "__main__":
    raise SystemExit(main())
