"""What a worker has spent of its leases, in a file that outlives it: `<data folder>/leases/<holder>`.

The counts stand in shared memory that the file backs, so they are right at every moment up to the one in which the
worker is killed. The worker holds a lock on its file as long as it lives; whoever can take that lock knows that it is
dead and ends its leases (`reconcile_abandoned`). After a crash of the machine, counts that had not reached the disk are
lost: the file names the boot it was written under, and one of another boot is not believed.

Where the file cannot be written, counts stand in memory only, and the log says so once: should the worker be killed
then, all that it was lent under them counts as spent, so nothing is ever admitted over a plan.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import re
import struct
from array import array
from collections.abc import Callable, Mapping, MutableSequence
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

MAGIC: Final = b"APIM spent 1\n\0\0\0"
_HEADER: Final = mmap.ALLOCATIONGRANULARITY
_SEGMENT: Final = 65536 // _HEADER * _HEADER or _HEADER
_CELL: Final = struct.Struct("=QQ")  # lease id (0: not in use), spent

_HOLDER: Final = re.compile(r"[0-9a-z]+")

log = logging.getLogger("gateway.quotas")


class SpentFile:
    """The file of one living worker.

    Make it after the last fork: a child that inherits the lock would keep the dead parent alive.
    """

    def __init__(self, folder: Path, holder: str) -> None:
        self._path = folder / holder
        self._last_id = 0
        self._places: dict[int, tuple[memoryview[int], int]] = {}
        self._vacant: list[tuple[memoryview[int], int]] = []
        self._size = _HEADER
        self._file: int | None = None
        self._is_failing = False
        try:
            self._file = _make(self._path)
        except OSError as error:
            self._say(error)
        self._grow()

    def allocate(self) -> tuple[int, MutableSequence[int], int]:
        """A new lease's id, and where its count stands: a sequence and an index into it."""
        self._last_id += 1
        if not self._vacant:
            self._grow()
        if not self._vacant:
            return self._last_id, array("Q", [0]), 0
        words, at = self._vacant.pop()
        words[at] = 0
        words[at - 1] = self._last_id
        self._places[self._last_id] = (words, at)
        return self._last_id, cast(MutableSequence[int], words), at

    def free(self, lease_id: int) -> None:
        """The store has ended this lease."""
        if place := self._places.pop(lease_id, None):
            words, at = place
            words[at - 1] = 0
            self._vacant.append(place)

    def close(self, *, is_settled: bool = True) -> None:
        """The worker stops. Unless the store has ended all its leases, the record is left to whoever comes next."""
        if self._file is None:
            return
        if is_settled:
            self._path.unlink(missing_ok=True)
        else:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # the shared memory would keep the lock open
        os.close(self._file)

    def _grow(self) -> None:
        """Make room for more counts, as long as there is a file and space for it."""
        if self._file is None:
            return
        try:
            os.posix_fallocate(self._file, self._size, _SEGMENT)  # a full disk is told here, not by a signal later
            words = memoryview(mmap.mmap(self._file, _SEGMENT, offset=self._size)).cast("Q")
        except OSError as error:
            self._say(error)
            return
        self._size += _SEGMENT
        self._vacant += [(words, at) for at in range(len(words) - 1, 0, -2)]
        self._is_failing = False

    def _say(self, error: OSError) -> None:
        if not self._is_failing:
            log.error(
                "What is spent of plans cannot be written to %s (%s). Plans are kept all the same; but should this "
                "worker be killed, all that it was lent counts as spent. Make room, or the folder writable.",
                self._path.parent,
                error.strerror,
            )
        self._is_failing = True


def _make(path: Path) -> int:
    """The descriptor of a new file, locked. Raises OSError when the folder cannot be written or the disk is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}")
    file = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(file, 0, _HEADER)
        os.pwrite(file, MAGIC + boot_id(), 0)
        fcntl.flock(file, fcntl.LOCK_EX)
        making.rename(path)  # only now can others see it
    except OSError:
        os.close(file)
        making.unlink(missing_ok=True)
        raise
    return file


def is_alone(folder: Path, holder: str) -> bool:
    """Whether no other holder of this host has a record, living or dead."""
    try:
        return set(os.listdir(folder)) <= {holder}
    except OSError:
        return False


def reconcile_abandoned(folder: Path, reconcile: Callable[[str, Mapping[int, int] | None], None]) -> int:
    """Call `reconcile` for each holder of this host that has died, with what it had spent by lease, or None where that
    is not known; how many there were. A holder for whom it raises stays for later. What is no record of a holder is
    left alone."""
    ended = 0
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not _HOLDER.fullmatch(path.name) or not path.is_file():
            continue
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data, boot = file.read(), boot_id()
            spent = None  # it is not believed
            if boot and data[: len(MAGIC) + len(boot)] == MAGIC + boot:
                cells = _CELL.iter_unpack(data[_HEADER : len(data) // _CELL.size * _CELL.size])
                spent = {lease_id: count for lease_id, count in cells if lease_id}
            reconcile(path.name, spent)
            path.unlink(missing_ok=True)
            ended += 1
    return ended


def boot_id() -> bytes:
    """Which start of the machine this is; empty where it does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    except OSError:
        return b""
