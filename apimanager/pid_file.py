"""The file that says which process is the gateway's, and whether that is still true.

A process that is killed leaves its file behind, and its number goes to another program sooner or later. So whoever
writes the file also locks it for as long as it lives: a file that nobody has locked is stale.
"""

import fcntl
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from apimanager.preflight import CannotStart

log = logging.getLogger("apimanager")


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Have this process's number in the file meanwhile. Where another one of the same folder has it, that one keeps it.

    Call it in the process itself: the lock (fcntl, not flock) is not for those that are forked.
    """
    with path.open("a+") as file:
        file.seek(0)
        left = file.read().strip()
        if _is_taken(file):
            log.warning("%s stays that of process %s; SIGHUP for this gateway goes to %d.", path, left, os.getpid())
            yield
            return
        if left:
            log.warning("The gateway that was process %s did not end by itself; %s was left behind.", left, path)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def send(path: Path, number: signal.Signals) -> int:
    """Send a signal to the process that has written the file; its number. Raises CannotStart when none is there."""
    try:
        with path.open("r+") as file:
            if not _is_taken(file):
                path.unlink(missing_ok=True)
                raise CannotStart(f"No gateway runs: {path} was left behind by one that was killed, and is removed.")
            pid = int(file.read())
    except FileNotFoundError:
        raise CannotStart(f"No gateway runs on this machine with {path.parent} as its APIM_DATA_DIR.") from None
    os.kill(pid, number)
    return pid


def is_running(path: Path) -> bool:
    """Whether the process that has written the file lives."""
    try:
        with path.open("r+") as file:
            return _is_taken(file)
    except FileNotFoundError:
        return False


def _is_taken(file: TextIOWrapper) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    return False
