"""The gateway's pid file says whose it is, and is recognised when it was left behind."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from apimanager import pid_file
from apimanager.preflight import CannotStart

SOURCE = """
    import os, signal, sys, time
    from pathlib import Path
    from apimanager import pid_file

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])  # kept for the one who waits for it
    with pid_file.written(Path(sys.argv[1])):
        child = os.fork()  # which does not keep the file when its parent is gone
        if not child:
            time.sleep(60)
            os._exit(0)
        print(child, flush=True)
        signal.sigwait([signal.SIGHUP])
        print("renewed", flush=True)
        sys.stdin.read()
    os.kill(child, signal.SIGKILL)
"""


def gateway(path: Path) -> subprocess.Popen[str]:
    """A process that has written the file, and forked a worker, whose number it says."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SOURCE), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_signal_reaches_the_process_that_has_the_file_and_the_file_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "gateway.pid"
    process = gateway(path)
    said(process)

    assert pid_file.send(path, signal.SIGHUP) == process.pid == int(path.read_text())

    assert said(process) == "renewed"
    process.communicate(timeout=20)
    assert not path.exists()


def test_a_file_that_was_left_behind_is_nobody_s(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "gateway.pid"
    process = gateway(path)
    worker = int(said(process))
    process.kill()
    process.wait(20)
    try:
        left = path.read_text()
        with pid_file.written(path):
            assert int(path.read_text()) == os.getpid()
        path.write_text(left)
        with pytest.raises(CannotStart, match=r"^No gateway runs: .*gateway\.pid was left behind"):
            pid_file.send(path, signal.SIGHUP)
    finally:
        os.kill(worker, signal.SIGKILL)
        process.communicate(timeout=20)

    assert f"process {process.pid} did not end by itself" in caplog.text
    with pytest.raises(CannotStart, match="APIM_DATA_DIR"):
        pid_file.send(path, signal.SIGHUP)


def test_a_second_gateway_in_the_same_folder_leaves_the_file_to_the_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gateway.pid"
    process = gateway(path)
    said(process)

    with pid_file.written(path):
        assert int(path.read_text()) == process.pid

    assert f"stays that of process {process.pid}" in caplog.text
    assert pid_file.send(path, signal.SIGHUP) == process.pid
    process.communicate(timeout=20)
