"""Children are kept alive, given up, and stopped together. Real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from gateway.server.processes import Child
from gateway.server.supervisor import Backoff, Supervisor

ROOT = Path(__file__).resolve().parents[3]
QUICK = "Backoff(initial=0.02, maximum=0.1, healthy=60)"


def supervise(children: str, mark: Path | None = None, **options: str) -> subprocess.Popen[str]:
    """A process that supervises these children (source text) and says what it says on its error output."""
    given = ", ".join(f"{name}={value}" for name, value in {"backoff": QUICK, **options}.items())
    source = f"""
    import os, signal, sys, time
    sys.path.insert(0, {str(ROOT)!r})
    from gateway.server.processes import Child, Flag
    from gateway.server.supervisor import Backoff, Supervisor

    def sleeper():
        os.write(1, b"up %d\\n" % os.getpid())
        time.sleep(60)

    def deaf():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleeper()

    def failing():
        time.sleep(0.2)  # the others have begun
        sys.exit(3)

    def done():
        print("done", flush=True)

    ready, ready_too = Flag(), Flag()

    def renewable():
        ready.set()
        sleeper()

    def renewable_at_leisure():
        is_next = os.path.exists({str(mark)!r})
        open({str(mark)!r}, "w").close()
        os.write(1, b"up %d\\n" % os.getpid())
        while is_next and os.path.exists({str(mark)!r}):
            time.sleep(0.02)
        ready_too.set()
        time.sleep(60)

    def missing(name):
        os.write(1, b"missing " + name.encode() + b"\\n")

    def never_ready():
        sleeper()

    def ready_once():
        if not os.path.exists({str(mark)!r}):
            open({str(mark)!r}, "w").close()
            renewable()
        os.write(1, b"up %d\\n" % os.getpid())
        time.sleep(0.3)
        sys.exit(4)

    sys.exit(Supervisor([{children}], {given}).run(renew_on=signal.SIGHUP))
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def pid_from(process: subprocess.Popen[str]) -> int:
    """The process id that the next child prints."""
    assert process.stdout is not None
    return int(process.stdout.readline().split()[1])


def ended(process: subprocess.Popen[str], *, number: int | None = signal.SIGTERM) -> tuple[int, str]:
    """Send a signal; the exit code and what was said."""
    if number is not None:
        process.send_signal(number)
    _, said = process.communicate(timeout=20)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_child_and_the_exit_code_is_0(number: int) -> None:
    process = supervise("Child('a', sleeper), Child('b', sleeper)")
    pids = [pid_from(process), pid_from(process)]
    assert ended(process, number=number) == (0, "")
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_command_line_is_a_child_too_with_an_environment_of_its_own() -> None:
    command = (
        "[sys.executable, '-c', 'import os, time; print(os.environ[\"WHO\"], os.getpid(), flush=True); time.sleep(60)']"
    )
    process = supervise(f"Child('a', {command}, environment={{'WHO': 'alice'}})")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("alice ")
    assert ended(process) == (0, "")


def test_a_child_that_is_killed_is_started_again() -> None:
    process = supervise("Child('a', sleeper)")
    first = pid_from(process)
    os.kill(first, signal.SIGKILL)
    second = pid_from(process)
    assert second != first
    code, said = ended(process)
    assert code == 0
    assert "a ended (killed by SIGKILL); starting it again" in said


def test_a_child_that_fails_at_its_first_start_stops_everything_with_exit_code_1() -> None:
    process = supervise("Child('a', sleeper), Child('b', failing)")
    pid = pid_from(process)
    code, said = ended(process, number=None)
    assert code == 1
    assert "b could not start (exit code 3)" in said
    assert not psutil.pid_exists(pid)


def test_a_child_that_fails_later_is_started_again() -> None:
    process = supervise("Child('a', failing)", settle="0")
    assert process.stderr is not None
    for _ in range(2):
        assert "a ended (exit code 3); starting it again" in process.stderr.readline()
    assert ended(process)[0] == 0


def test_a_child_that_is_done_is_not_started_again() -> None:
    process = supervise("Child('a', done, once=True), Child('b', failing)", settle="0.0")
    assert process.stderr is not None
    for _ in range(2):  # so the first would have been started again by now
        assert "b ended (exit code 3); starting it again" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out.count("done")) == (0, 1)


def test_a_child_that_does_not_stop_is_killed_after_its_grace() -> None:
    process = supervise("Child('a', deaf, grace=0.2)")
    pid = pid_from(process)
    code, said = ended(process)
    assert code == 0
    assert "a did not stop within 0 s; killed." in said
    assert not psutil.pid_exists(pid)


def test_children_do_not_outlive_a_supervisor_that_is_killed() -> None:
    process = supervise("Child('a', sleeper), Child('b', [sys.executable, '-c', 'import time; time.sleep(60)'])")
    pid_from(process)
    while len(children := psutil.Process(process.pid).children()) < 2:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_a_child_that_raises_shows_its_traceback_and_ends_with_1() -> None:
    process = supervise("Child('a', lambda: 1 / 0)")
    code, said = ended(process, number=None)
    assert code == 1
    assert "ZeroDivisionError" in said


@pytest.mark.parametrize(
    ("failures", "delay"), [(0, 0.1), (1, 0.1), (2, 0.2), (3, 0.4), (7, 6.4), (8, 10.0), (999, 10)]
)
def test_the_back_off_doubles_up_to_its_maximum(failures: int, delay: float) -> None:
    assert Backoff().delay(failures) == pytest.approx(delay)


def next_said(process: subprocess.Popen[str]) -> str:
    """The next sentence."""
    assert process.stderr is not None
    return process.stderr.readline().strip()


def test_renewing_starts_the_new_one_before_the_old_one_is_told_to_stop() -> None:
    process = supervise("Child('a', renewable, ready=ready), Child('b', sleeper)")
    pids = {pid_from(process), pid_from(process)}
    process.send_signal(signal.SIGHUP)
    new = pid_from(process)
    assert all(psutil.pid_exists(pid) for pid in pids)
    assert next_said(process) == "a was renewed."
    living = {child.pid for child in psutil.Process(process.pid).children()}
    assert new in living
    assert len(living & pids) == 1
    assert ended(process) == (0, "")


def test_no_old_one_is_told_to_stop_before_every_new_one_works(tmp_path: Path) -> None:
    children = "Child('a', renewable, ready=ready), Child('b', renewable_at_leisure, ready=ready_too)"
    process = supervise(children, tmp_path / "mark")
    before = {pid_from(process), pid_from(process)}
    process.send_signal(signal.SIGHUP)
    after = {pid_from(process), pid_from(process)}
    assert {child.pid for child in psutil.Process(process.pid).children()} == before | after
    assert all(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in before)
    (tmp_path / "mark").unlink()
    assert {next_said(process), next_said(process)} == {"a was renewed.", "b was renewed."}
    assert {child.pid for child in psutil.Process(process.pid).children()} == after
    assert ended(process) == (0, "")


def test_one_that_died_and_is_not_replaced_in_time_is_reported_missing_once(tmp_path: Path) -> None:
    process = supervise("Child('a', ready_once, ready=ready)", tmp_path / "mark", settle="60", on_missing="missing")
    os.kill(pid_from(process), signal.SIGKILL)
    assert process.stdout
    out = []
    while not (line := process.stdout.readline()).startswith("missing a"):
        out.append(line)
    assert len(out) > 1  # several have tried
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    assert "missing" not in rest


def test_a_renewal_that_is_asked_for_twice_at_once_is_done_once_and_later_again() -> None:
    process = supervise("Child('a', renewable, ready=ready)")
    first = pid_from(process)
    process.send_signal(signal.SIGHUP)
    second = pid_from(process)
    process.send_signal(signal.SIGHUP)
    third = pid_from(process)
    assert len({first, second, third}) == 3
    assert [next_said(process), next_said(process)] == ["a was renewed."] * 2
    assert [child.pid for child in psutil.Process(process.pid).children()] == [third]
    assert ended(process) == (0, "")


def test_one_that_cannot_be_renewed_goes_on(tmp_path: Path) -> None:
    process = supervise("Child('a', ready_once, ready=ready)", tmp_path / "mark")
    pid = pid_from(process)
    process.send_signal(signal.SIGHUP)
    assert next_said(process) == "a could not be renewed (exit code 4); the old one goes on."
    assert psutil.pid_exists(pid)
    assert ended(process) == (0, "")


def test_an_old_one_that_does_not_go_within_its_grace_is_killed() -> None:
    process = supervise("Child('a', lambda: (ready.set(), deaf()), ready=ready, grace=0.1)")
    first = pid_from(process)
    process.send_signal(signal.SIGHUP)
    second = pid_from(process)
    assert next_said(process) == "a was renewed."
    assert [child.pid for child in psutil.Process(process.pid).children()] == [second]
    assert not psutil.pid_exists(first)
    assert ended(process)[0] == 0


def test_one_that_dies_while_its_successor_starts_is_replaced_by_it() -> None:
    process = supervise("Child('a', never_ready, ready=ready)", settle="60")
    first = pid_from(process)
    process.send_signal(signal.SIGHUP)
    second = pid_from(process)
    os.kill(first, signal.SIGKILL)
    assert "a ended (killed by SIGKILL)" in next_said(process)
    os.kill(second, signal.SIGKILL)
    assert "a ended (killed by SIGKILL)" in next_said(process)
    assert pid_from(process) not in (first, second)
    assert ended(process) == (0, "")


def test_a_successor_that_fails_soon_does_not_count_as_one_that_could_never_start(tmp_path: Path) -> None:
    process = supervise("Child('a', ready_once, ready=ready)", tmp_path / "mark", settle="60")
    first = pid_from(process)
    process.send_signal(signal.SIGHUP)
    pid_from(process)
    os.kill(first, signal.SIGKILL)
    assert "killed by SIGKILL" in next_said(process)
    assert "a ended (exit code 4); starting it again" in next_said(process)
    assert ended(process)[0] == 0


def test_who_is_last_is_told_to_stop_when_the_others_have() -> None:
    says = "lambda: (signal.signal(signal.SIGTERM, lambda *_: ({}, os.write(1, b'{}'), os._exit(0))), sleeper())"
    slow, quick = says.format("time.sleep(0.3)", "first "), says.format(0, "last")
    process = supervise(f"Child('a', {quick}, last=True), Child('b', {slow})")
    pid_from(process)
    pid_from(process)
    process.send_signal(signal.SIGTERM)
    out, said = process.communicate(timeout=20)
    assert (process.returncode, out, said) == (0, "first last", "")


def test_stopping_before_anything_started_starts_nothing() -> None:
    supervisor = Supervisor([Child("a", lambda: 0)])
    supervisor.stop()
    assert supervisor.run() == 0
