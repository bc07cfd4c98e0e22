"""The extension as a wheel, and which of the two is used where there is one."""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from gateway import native
from gateway.native import build, wheel


def test_a_wheel_has_the_extension_and_what_pip_asks_for_or_it_is_said_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if wheel.main([str(tmp_path)]):
        assert capsys.readouterr().err.startswith("There is no wheel: ")
        return
    path = Path(capsys.readouterr().out.strip())
    assert "-manylinux_2_" in path.name
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        record = next(name for name in names if name.endswith("/RECORD"))
        assert {row[0] for row in csv.reader(io.StringIO(archive.read(record).decode()))} == set(names)
        assert f'SOURCES = "{build.sources()}"' in archive.read("apim_native/__init__.py").decode()
        assert archive.read(f"apim_native/{build.EXTENSION.name}").startswith(b"\x7fELF")


@pytest.mark.parametrize("is_alike", [True, False])
def test_a_wheel_stands_in_for_what_was_not_built_if_it_is_of_the_same_sources(
    monkeypatch: pytest.MonkeyPatch, is_alike: bool
) -> None:
    package, extension = ModuleType("apim_native"), ModuleType("apim_native._native")
    package.SOURCES = build.sources() if is_alike else "others"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gateway.native._native", None)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "apim_native", package)
    monkeypatch.setitem(sys.modules, "apim_native._native", extension)
    assert native.find_extension() is (extension if is_alike else None)
