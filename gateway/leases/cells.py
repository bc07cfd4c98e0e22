"""What a worker has spent of its leases, in a file that outlives it: `<data folder>/leases/<holder>`.

The counts stand in shared memory that the file backs, so they are right at every moment up to the one in which the
worker is killed. The worker holds a lock on its file as long as it lives; whoever can take that lock knows that it is
dead and settles for it (`settle_abandoned`). After a crash of the machine, counts that had not reached the disk are
lost: the file names the boot it was written under, and one of another boot is not believed.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Callable, Mapping, MutableSequence
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

MAGIC: Final = b"APIM spent 1\n\0\0\0"
_HEADER: Final = mmap.ALLOCATIONGRANULARITY
_SEGMENT: Final = 65536 // _HEADER * _HEADER or _HEADER
_CELL: Final = struct.Struct("=QQ")  # serial (0: not in use), spent


class SpentFile:
    """The file of one living worker. Raises OSError when the folder cannot be written or the disk is full.

    Make it after the last fork: a child that inherits the lock would keep the dead parent alive.
    """

    def __init__(self, folder: Path, holder: str) -> None:
        self._path = folder / holder
        self._serial = 0
        self._places: dict[int, tuple[memoryview[int], int]] = {}
        self._vacant: list[tuple[memoryview[int], int]] = []
        folder.mkdir(parents=True, exist_ok=True)
        making = folder / f".{holder}"
        self._file = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._size = _HEADER
        os.posix_fallocate(self._file, 0, _HEADER)
        os.pwrite(self._file, MAGIC + _boot(), 0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        making.rename(self._path)  # only now can others see it

    def allocate(self) -> tuple[int, MutableSequence[int], int]:
        """A new lease's serial, and where its count stands: a sequence and an index into it."""
        if not self._vacant:
            self._grow()
        words, at = self._vacant.pop()
        self._serial += 1
        words[at] = 0
        words[at - 1] = self._serial
        self._places[self._serial] = (words, at)
        return self._serial, cast(MutableSequence[int], words), at

    def free(self, serial: int) -> None:
        """The store has ended this lease."""
        words, at = self._places.pop(serial)
        words[at - 1] = 0
        self._vacant.append((words, at))

    def close(self) -> None:
        """The worker stops, and the store has ended all its leases."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def abandon(self) -> None:
        """The worker stops, and the store could not be told: leave the record to whoever comes next."""
        fcntl.flock(self._file, fcntl.LOCK_UN)  # the shared memory would keep the lock open
        os.close(self._file)

    def _grow(self) -> None:
        os.posix_fallocate(self._file, self._size, _SEGMENT)  # a full disk is told here, not by a signal later
        words = memoryview(mmap.mmap(self._file, _SEGMENT, offset=self._size)).cast("Q")
        self._size += _SEGMENT
        self._vacant += [(words, at) for at in range(len(words) - 1, 0, -2)]


def settle_abandoned(folder: Path, settle: Callable[[str, Mapping[int, int] | None], None]) -> int:
    """Call `settle` for each holder of this host that has died, with what it had spent by serial, or None where that
    is not known; how many there were. A holder for whom `settle` raises stays to be settled later."""
    count = 0
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            settle(path.name, _read(file.read()))
            path.unlink(missing_ok=True)
            count += 1
    return count


def _read(data: bytes) -> dict[int, int] | None:
    boot = _boot()
    if not boot or data[: len(MAGIC) + len(boot)] != MAGIC + boot:
        return None
    cells = data[_HEADER : len(data) // _CELL.size * _CELL.size]
    return {serial: spent for serial, spent in _CELL.iter_unpack(cells) if serial}


def _boot() -> bytes:
    """Which start of the machine this is; empty where it does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    except OSError:
        return b""
