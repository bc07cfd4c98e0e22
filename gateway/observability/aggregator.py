"""What workers have reported: read from their files and added up, with those who have ended folded into one file."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway.observability.writer import identity, write

DEPARTED = "departed"
COUNTED: Final = ("handshakes", "refusals", "closes", "traffic", "violations")
"""These, and histograms, outlive their worker."""

Report = dict[str, Any]
Labels = tuple[str, ...]

log = logging.getLogger("gateway.metrics")


@dataclass(eq=False, repr=False)
class Aggregator:
    """The files of one folder."""

    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def read(self) -> list[Report]:
        """What all workers have counted: those who live, and together those who have ended."""
        with self._lock:
            found = {path.stem: report for path in self.folder.glob("*.json") if (report := _read(path))}
            departed = found.pop(DEPARTED, None)
            # What was folded already may have been left when this process was killed before it had deleted all.
            for name in departed.get("names", ()) if departed else ():
                if found.pop(name, None) is not None:
                    (self.folder / f"{name}.json").unlink(missing_ok=True)
            # What a worker that has ended said last may have been after its file was read.
            gone = {
                name: _read(self.folder / f"{name}.json") or report
                for name, report in found.items()
                if not is_living(report)
            }
            if gone:
                departed = {**sum_of([*([departed] if departed else []), *gone.values()]), "names": list(gone)}
                try:
                    write(self.folder / f"{DEPARTED}.json", departed)
                except OSError as error:  # everything stays as it is
                    log.warning("The metrics of workers that have ended could not be written: %s", error)
                else:
                    for name in gone:
                        (self.folder / f"{name}.json").unlink(missing_ok=True)
        living = [report for name, report in found.items() if name not in gone]
        return [departed, *living] if departed else living


def is_living(report: Report) -> bool:
    """Whether the worker that wrote this has not ended, as far as the system knows."""
    if report.get("is_ended", True) or identity(report["pid"])["began"] != report["began"]:
        return False
    try:
        os.kill(report["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sum_of(reports: Iterable[Report]) -> Report:
    """What these workers have counted together, without what only the living have."""
    every = list(reports)
    total: Report = {name: [[list(labels), value] for labels, value in added(every, name)] for name in COUNTED}
    total["dials"] = [[list(labels), value] for labels, value in merged(every, "dials")]
    total["lag"], total["store"] = (merged(every, name)[0][1] for name in ("lag", "store"))
    for name in ("starts", "store_failures", "store_forgot"):
        total[name] = sum(each.get(name, 0) for each in every)
    return total


def added(reports: Iterable[Report], name: str) -> list[tuple[Labels, Any]]:
    """One value for each set of labels: numbers added up, or lists of numbers place by place."""
    total: dict[Labels, Any] = {}
    for report in reports:
        for labels, value in report[name]:
            if (known := total.get(tuple(labels))) is not None:
                value = [a + b for a, b in zip(known, value, strict=True)] if isinstance(known, list) else known + value
            total[tuple(labels)] = value
    return sorted(total.items())


def merged(reports: Iterable[Report], name: str) -> list[tuple[Labels, Report]]:
    """One histogram for each set of labels."""
    total: dict[Labels, Report] = {}
    for report in reports:
        found = report[name]
        for labels, histogram in found if isinstance(found, list) else [((), found)]:
            known = total.get(tuple(labels))
            if known is not None:
                counts = [a + b for a, b in zip(known["counts"], histogram["counts"], strict=True)]
                histogram = {**known, "counts": counts, "sum": known["sum"] + histogram["sum"]}
            total[tuple(labels)] = histogram
    return sorted(total.items())


def _read(path: Path) -> Report | None:
    try:
        report: Report = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        log.debug("%s cannot be read: %s", path, error)
        return None
    return report
