"""`make wheel`: the extension as a wheel for machines without a compiler, with OpenSSL inside.

    python -m gateway.native.wheel [FOLDER]

It holds the package `apim_native` and nothing else, for the Python and the kind of machine that it is made on. How old
a system may be that it is for is read off what it needs of the C library, and said by its name (PEP 600). A tree uses
it only if it was made of the same sources. Where OpenSSL has been mended, it has to be made anew.
"""

from __future__ import annotations

import base64
import hashlib
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Final

from gateway.native import build

PACKAGE: Final = "apim_native"
ROOT: Final = build.HERE.parent.parent
STATIC: Final = ("-l:libssl.a", "-l:libcrypto.a", "-Wl,--exclude-libs,ALL", "-Wl,-Bsymbolic", "-s")
ALLOWED: Final = {
    "libc.so.6",
    "libm.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
}


def main(arguments: list[str]) -> int:
    """0: there is a wheel, whose path is printed."""
    folder = Path(arguments[0] if arguments else ROOT / "build" / "wheels")
    try:
        print(make(folder))  # noqa: T201
    except build.CannotBuild as error:
        print(f"There is no wheel: {error}.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def make(folder: Path) -> Path:
    """Make the wheel in a folder. Raises CannotBuild."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        extension = Path(place, build.EXTENSION.name)
        build.compile_to(extension, libraries=STATIC)
        code, oldest = extension.read_bytes(), _oldest_c_library(extension)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    interpreter = f"cp{sys.version_info.major}{sys.version_info.minor}"
    tag = f"{interpreter}-{interpreter}-manylinux_{oldest[0]}_{oldest[1]}_{platform.machine()}"
    about = f"{PACKAGE}-{version}.dist-info"
    files = {
        f"{PACKAGE}/__init__.py": f'"""The extension of gateway.native."""\n\nSOURCES = "{build.sources()}"\n'.encode(),
        f"{PACKAGE}/{build.EXTENSION.name}": code,
        f"{about}/METADATA": (
            f"Metadata-Version: 2.1\nName: apim-native\nVersion: {version}\n"
            "Summary: The quick way of the WebSocket gateway's relay, in C.\nLicense: Apache-2.0\n"
        ).encode(),
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: apim\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n".encode()
    wheel = folder / f"{PACKAGE}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return wheel


def _oldest_c_library(extension: Path) -> tuple[int, int]:
    """The first version of glibc that has all that is needed. Raises CannotBuild where more than that is needed."""
    try:
        told = subprocess.check_output(["objdump", "-p", str(extension)], text=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError) as error:
        raise build.CannotBuild("objdump, which says what it needs, was not found") from error
    needed = set(re.findall(r"NEEDED\s+(\S+)", told)) - ALLOWED
    if needed:
        raise build.CannotBuild(f"it would need {', '.join(sorted(needed))} of each machine")
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", told)
    return max((int(major), int(minor)) for major, minor in versions)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
