"""`make wheel`: the extension as wheels for machines without a compiler, with OpenSSL inside.

    python -m gateway.native.wheel [FOLDER]

One for each processor in MACHINES and each version of CPython in MINORS whose headers are here (`python3.12` on the
PATH, or pyenv's): they are the same for every processor. The compiler is the wheel `ziglang`, which brings the C
library of old and foreign systems; OpenSSL is Debian's own static one, fetched for each processor by apt without root.
auditwheel reads off what came out how old a system may be, and that is its name (PEP 600). A wheel holds the package
`apim_native` and nothing else, and a tree uses it only if it was made of the same sources. Where OpenSSL has been
mended, the wheels have to be made anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from gateway.native import build

PACKAGE: Final = "apim_native"
ROOT: Final = build.HERE.parent.parent
MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}  # and what Debian calls them
MINORS: Final = range(11, 15)
PACKAGES: Final = ("libssl-dev", "zlib1g-dev", "libzstd-dev")  # since Debian 13 OpenSSL uses the other two
ARCHIVES: Final = ("libssl.a", "libcrypto.a", "libz.a", "libzstd.a")
GLIBCS: Final = ("2.28", "2.34", "2.38", "2.41")  # which OpenSSL can do with depends on the Debian that it is of
SECONDS: Final = 300.0
# Nothing of OpenSSL is to be seen from outside: the process has Python's own one too.
ONLY_THE_MODULE: Final = "{ global: PyInit__native; local: *; };\n"


class OpenSsl(NamedTuple):
    """Headers and static libraries for one processor, and which version they are of."""

    root: Path
    version: str


def main(arguments: list[str]) -> int:
    """0: there are wheels for all processors, whose paths are printed."""
    folder = Path(arguments[0] if arguments else ROOT / "build" / "wheels")
    folder.mkdir(parents=True, exist_ok=True)
    pythons, code = headers(), 0
    for minor in MINORS:
        if minor not in pythons:
            print(f"No wheels for Python 3.{minor}: its headers are not on this machine.", file=sys.stderr)  # noqa: T201
    for machine in MACHINES:
        try:
            with tempfile.TemporaryDirectory() as place:
                openssl = fetch_openssl(machine, Path(place))
                for minor, include in pythons.items():
                    extension = cross_compile(Path(place), machine, include, openssl)
                    print(pack(folder, extension, machine, minor, openssl.version))  # noqa: T201
        except build.CannotBuild as error:
            print(f"There is no wheel for {machine}: {error}.", file=sys.stderr)  # noqa: T201
            code = 1
    return code


def headers() -> dict[int, str]:
    """Where Python's headers are, by the minor version."""
    found = {}
    for minor in MINORS:
        pyenv = Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")
        ours = [sys.executable] if sys.version_info.minor == minor else []
        for python in (*ours, shutil.which(f"python3.{minor}"), *map(str, sorted(pyenv))):
            include = python and _output([python, "-c", "import sysconfig; print(sysconfig.get_path('include'))"])
            if include and Path(include.strip(), "Python.h").exists():
                found[minor] = include.strip()
                break
    return found


def fetch_openssl(machine: str, folder: Path) -> OpenSsl:
    """Unpack Debian's newest package for this processor in a folder. Raises CannotBuild.

    apt gets lists of its own: those of the machine need root, and lack other processors.
    """
    own = folder / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (own / name).mkdir(parents=True)
    (own / "status").touch()
    settings = {
        "Dir::State": own,
        "Dir::State::lists": own / "lists",
        "Dir::State::status": own / "status",
        "Dir::Cache": own / "cache",
        "APT::Architecture": MACHINES[machine],
        "APT::Architectures::": MACHINES[machine],
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    _output([*apt, "update"])
    _output([*apt, "download", *PACKAGES], cwd=folder)
    packages = sorted(folder.glob("*.deb"))
    for package in packages:
        _output(["dpkg-deb", "-x", str(package), str(folder)])
    if not (folder / "usr" / "lib" / f"{machine}-linux-gnu" / ARCHIVES[0]).exists():
        raise build.CannotBuild("apt-get brought no static OpenSSL for it (Debian's libssl-dev)")
    return OpenSsl(folder / "usr", packages[0].name.split("_")[1])


def cross_compile(folder: Path, machine: str, include: str, openssl: OpenSsl) -> bytes:
    """The extension for another processor, or an older system of this one's. Raises CannotBuild."""
    script, made = folder / "symbols", folder / "_native.so"
    script.write_text(ONLY_THE_MODULE)
    archives = (openssl.root / "lib" / f"{machine}-linux-gnu" / name for name in ARCHIVES)
    libraries = (*(str(path) for path in archives if path.exists()), "-Wl,-Bsymbolic", "-s")
    foreign = [f"-I{openssl.root / 'include'}", f"-I{openssl.root / 'include' / f'{machine}-linux-gnu'}"]
    for glibc in GLIBCS:
        command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-linux-gnu.{glibc}"]
        options = [*foreign, f"-Wl,--version-script={script}"]
        build.compile_to(made, *options, libraries=libraries, command=command, include=include)
        if not (missing := _unresolved(made)):
            return made.read_bytes()
    raise build.CannotBuild(f"no C library has {', '.join(sorted(missing))}")


def pack(folder: Path, extension: bytes, machine: str, minor: int, openssl: str) -> Path:
    """Make the wheel in a folder, named by the systems that it is for. Raises CannotBuild."""
    with tempfile.TemporaryDirectory() as place:
        nameless = write_wheel(Path(place), extension, f"linux_{machine}", minor, openssl)
        told = _output([sys.executable, "-m", "auditwheel", "show", "--json", str(nameless)])
    if not told:
        raise build.CannotBuild("auditwheel, which says what it needs, could not read it")
    about = json.loads(told)
    if not about["overall_tag"].startswith("manylinux"):
        raise build.CannotBuild(f"it would need more of each machine than it has: {about['external_libs']}")
    return write_wheel(folder, extension, about["overall_tag"], minor, openssl)


def write_wheel(folder: Path, extension: bytes, platform: str, minor: int, openssl: str) -> Path:
    """A wheel of this name, whatever is in it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    tag = f"cp3{minor}-cp3{minor}-{platform}"
    name = f"_native.cpython-3{minor}-{next(each for each in MACHINES if platform.endswith(each))}-linux-gnu.so"
    about = f"{PACKAGE}-{version}.dist-info"
    files = {
        f"{PACKAGE}/__init__.py": f'"""The extension of gateway.native."""\n\nSOURCES = "{build.sources()}"\n'.encode(),
        f"{PACKAGE}/{name}": extension,
        f"{about}/METADATA": (
            f"Metadata-Version: 2.1\nName: apim-native\nVersion: {version}\n"
            f"Summary: The quick way of the WebSocket gateway's relay, in C, with OpenSSL {openssl}.\n"
            "License: Apache-2.0\n"
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


def _unresolved(extension: Path) -> set[str]:
    """What no library that it names has: the linker cannot know, since Python's own symbols are of the process."""
    elf = import_module("elftools.elf.elffile")
    with extension.open("rb") as file:
        read = elf.ELFFile(file)
        symbols, versions = read.get_section_by_name(".dynsym"), read.get_section_by_name(".gnu.version")
        return {
            symbol.name
            for number, symbol in enumerate(symbols.iter_symbols())
            if symbol["st_shndx"] == "SHN_UNDEF"
            and symbol["st_info"]["bind"] == "STB_GLOBAL"
            and not isinstance(versions.get_symbol(number)["ndx"], int)
            and not symbol.name.startswith(("Py", "_Py"))
        }


def _output(command: Sequence[str], cwd: Path | None = None) -> str | None:
    """What a command printed, None if it failed or is not there."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(  # noqa: S603 - the machine's own
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
