"""The extension as a wheel, and which of the two is used where there is one."""

from __future__ import annotations

import csv
import io
import os
import ssl
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from gateway import native
from gateway.native import build, wheel


def test_a_wheel_has_the_extension_and_what_pip_asks_for(tmp_path: Path) -> None:
    path = wheel.write_wheel(tmp_path, b"\x7fELF", "manylinux_2_28_aarch64", 12, "3.0.0")
    assert path.name.endswith("-cp312-cp312-manylinux_2_28_aarch64.whl")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        about = next(name for name in names if name.endswith("/RECORD")).removesuffix("/RECORD")
        assert {row[0] for row in csv.reader(io.StringIO(archive.read(f"{about}/RECORD").decode()))} == set(names)
        assert "Tag: cp312-cp312-manylinux_2_28_aarch64\n" in archive.read(f"{about}/WHEEL").decode()
        assert "OpenSSL 3.0.0" in archive.read(f"{about}/METADATA").decode()
        assert f'SOURCES = "{build.sources()}"' in archive.read("apim_native/__init__.py").decode()
        assert archive.read("apim_native/_native.cpython-312-aarch64-linux-gnu.so") == b"\x7fELF"


def test_what_cannot_be_had_is_named_for_each_processor_and_each_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert wheel.main([str(tmp_path)]) == 1
    told = capsys.readouterr().err
    others = [minor for minor in wheel.MINORS if minor != sys.version_info.minor]
    assert all(f"No wheels for Python 3.{minor}: its headers are not on this machine." in told for minor in others)
    assert all(
        f"There is no wheel for {machine}: apt-get brought no static OpenSSL" in told for machine in wheel.MACHINES
    )


@pytest.mark.parametrize("is_alike", [True, False])
def test_a_wheel_stands_in_for_what_was_not_built_if_it_is_of_the_same_sources(
    monkeypatch: pytest.MonkeyPatch, is_alike: bool
) -> None:
    package, extension = ModuleType("apim_native"), ModuleType("apim_native._native")
    package.SOURCES = build.sources() if is_alike else "others"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gateway.native._native", None)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "apim_native", package)
    monkeypatch.setitem(sys.modules, "apim_native._native", extension)
    paths = ssl.get_default_verify_paths()._replace(cafile="/etc/pki/authorities.pem", capath=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.delenv("SSL_CERT_FILE")
    assert native.find_extension() is (extension if is_alike else None)
    assert os.environ.get("SSL_CERT_FILE") == ("/etc/pki/authorities.pem" if is_alike else None)
