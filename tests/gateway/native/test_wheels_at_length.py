"""`make wheel` in earnest: crossed to both processors, looked into, and the one for this machine used."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from gateway.native import wheel

USE = "import apim_native._native as n; print(n.read_request(b'GET / HTTP/1.1\\r\\n', 100), n.Engine().connections)"


def test_there_is_a_wheel_for_each_processor_that_old_systems_can_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wheel, "MINORS", [sys.version_info.minor])
    assert wheel.main([str(tmp_path)]) == 0, capsys.readouterr().err
    made = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name.rpartition("_2_")[2].partition("_")[2] for path in made] == ["x86_64.whl", "aarch64.whl"]
    for path, machine in zip(made, wheel.MACHINES, strict=True):
        place = tmp_path / machine
        zipfile.ZipFile(path).extractall(place)
        with next(place.glob("apim_native/*.so")).open("rb") as file:
            elf = import_module("elftools.elf.elffile").ELFFile(file)
            assert elf.header["e_machine"] == {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}[machine]
            symbols = list(elf.get_section_by_name(".dynsym").iter_symbols())
        assert {each.name for each in symbols if each["st_shndx"] != "SHN_UNDEF"} == {"PyInit__native"}
        assert not any(each.name.startswith(("SSL_", "EVP_")) for each in symbols)  # they are inside
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / platform.machine())}
    used = subprocess.run([sys.executable, "-c", USE], env=environment, capture_output=True, text=True, check=False)
    assert used.stdout == "None 0\n", used.stderr
