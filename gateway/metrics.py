"""The gateway's metrics for Prometheus: what all workers have reported, added up, on a port of this machine only.

Served by a process of its own, so that a scrape costs no worker anything. Workers that have ended are folded into one
file, so that what they counted stays counted.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from gateway.reporting import write

DEPARTED = "departed"
COUNTED: Final = ("handshakes", "closes", "traffic")  # these, and histograms, outlive their worker
TIMEOUT_SECONDS = 10.0

Report = dict[str, Any]
Labels = tuple[str, ...]

log = logging.getLogger("gateway.metrics")


def serve(sock: socket.socket, folder: Path) -> int:
    """Answer scrapes on a listening socket until the process is ended; the exit code."""
    server = MetricsServer(sock, folder)
    server.serve_forever()
    return 0


class MetricsServer(ThreadingHTTPServer):
    """Answers `GET /metrics`. `shutdown` ends it."""

    daemon_threads = True

    def __init__(self, sock: socket.socket, folder: Path) -> None:
        super().__init__(sock.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = sock
        sock.setblocking(True)
        self.registry = CollectorRegistry()
        self.registry.register(Workers(folder))


class _Handler(BaseHTTPRequestHandler):
    """One scrape."""

    server: MetricsServer
    timeout = TIMEOUT_SECONDS

    def do_GET(self) -> None:
        if self.path.partition("?")[0] not in ("/", "/metrics"):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        body = encode(self.server.registry)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        log.debug(format, *args)


class Workers:
    """Collects what the workers' files in a folder say."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Every metric, at the moment."""
        with self._lock:
            reports = self._fold(list(self._read()))
        yield from families(reports)

    def describe(self) -> list[Metric]:
        """Nothing beforehand: there may be no worker yet."""
        return []

    def _read(self) -> Iterator[tuple[Path, Report]]:
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield path, json.loads(path.read_text())
            except (OSError, ValueError) as error:
                log.debug("%s cannot be read: %s", path, error)

    def _fold(self, reports: list[tuple[Path, Report]]) -> list[Report]:
        """Move what workers that have ended have counted into the one file of the departed."""
        gone = [(path, each) for path, each in reports if path.stem != DEPARTED and not is_alive(each)]
        if not gone:
            return [each for _, each in reports]
        before = [each for path, each in reports if path.stem == DEPARTED]
        departed = sum_of([*before, *(each for _, each in gone)])
        write(self._folder / f"{DEPARTED}.json", departed)
        for path, _ in gone:
            path.unlink(missing_ok=True)
        return [departed, *(each for path, each in reports if path.stem != DEPARTED and is_alive(each))]


def is_alive(report: Report) -> bool:
    """Whether the worker that wrote this has not ended, as far as the system knows."""
    if report.get("is_ended"):
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
    total: Report = {name: [[list(labels), value] for labels, value in _added(every, name)] for name in COUNTED}
    total["dials"] = [[list(labels), value] for labels, value in _merged(every)]
    total["lag"] = _merge(each["lag"] for each in every)
    return total


def families(reports: list[Report]) -> Iterator[Metric]:
    """Everything as Prometheus reads it."""
    living = [each for each in reports if "process" in each]
    yield GaugeMetricFamily("apim_workers", "Workers of the gateway that live.", value=len(living))
    yield _gauge("apim_connections", "Open connections.", ["api", "version"], _added(living, "connections"))
    yield _counter("apim_handshakes", "Handshakes by the answer.", ["status", "code"], _added(reports, "handshakes"))
    yield _counter(
        "apim_closes", "Connections ended, by whom and with what code.", ["by", "code"], _added(reports, "closes")
    )
    yield from _traffic(reports)
    yield _dials(reports)
    yield _histogram("apim_event_loop_lag_seconds", "How late workers' loops were.", [((), _merge(_lags(reports)))], [])
    for name, text in _PROCESS.items():
        values = [((str(each["pid"]),), each["process"][name]) for each in living]
        yield _gauge(f"apim_worker_{name}", text, ["pid"], values)


_PROCESS: Final = {
    "resident_bytes": "Resident memory of a worker.",
    "descriptors": "Open file descriptors of a worker.",
    "descriptor_limit": "How many file descriptors a worker may have open.",
    "cpu_seconds": "CPU time that a worker has used.",
}


def _traffic(reports: list[Report]) -> Iterator[Metric]:
    messages = CounterMetricFamily("apim_messages", "Messages relayed.", labels=["api", "version", "direction"])
    octets = CounterMetricFamily("apim_bytes", "Bytes of messages relayed.", labels=["api", "version", "direction"])
    for labels, (messages_in, bytes_in, messages_out, bytes_out) in _added(reports, "traffic"):
        for family, direction, value in (
            (messages, "in", messages_in),
            (messages, "out", messages_out),
            (octets, "in", bytes_in),
            (octets, "out", bytes_out),
        ):
            family.add_metric([*labels, direction], value)
    yield messages
    yield octets


def _dials(reports: list[Report]) -> Metric:
    text = "How long backends took to answer, or to fail."
    return _histogram("apim_dial_seconds", text, list(_merged(reports)), ["api", "version", "status"])


def _added(reports: Iterable[Report], name: str) -> Iterator[tuple[Labels, Any]]:
    """One value for each set of labels: numbers added up, or lists of numbers place by place."""
    total: dict[Labels, Any] = {}
    for report in reports:
        for labels, value in report.get(name, ()):
            known = total.get(tuple(labels))
            total[tuple(labels)] = value if known is None else _plus(known, value)
    yield from sorted(total.items())


def _plus(one: Any, two: Any) -> Any:
    return [a + b for a, b in zip(one, two, strict=True)] if isinstance(one, list) else one + two


def _merged(reports: Iterable[Report]) -> Iterator[tuple[Labels, Report]]:
    by_labels: dict[Labels, list[Report]] = {}
    for report in reports:
        for labels, histogram in report.get("dials", ()):
            by_labels.setdefault(tuple(labels), []).append(histogram)
    for labels, histograms in sorted(by_labels.items()):
        yield labels, _merge(histograms)


def _lags(reports: list[Report]) -> list[Report]:
    return [each["lag"] for each in reports]


def _merge(histograms: Iterable[Report]) -> Report:
    total: Report = {"bounds": [], "counts": [0], "sum": 0.0}
    for each in histograms:
        counts = each["counts"] if not total["bounds"] else _plus(total["counts"], each["counts"])
        total = {"bounds": each["bounds"], "counts": counts, "sum": total["sum"] + each["sum"]}
    return total


def _counter(name: str, text: str, labels: list[str], values: Iterable[tuple[Labels, Any]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for each, value in values:
        family.add_metric(list(each), value)
    return family


def _gauge(name: str, text: str, labels: list[str], values: Iterable[tuple[Labels, Any]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for each, value in values:
        family.add_metric(list(each), value)
    return family


def _histogram(name: str, text: str, values: list[tuple[Labels, Report]], labels: list[str]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for each, histogram in values:
        bounds = [*map(str, histogram["bounds"]), "+Inf"]
        family.add_metric(list(each), list(zip(bounds, accumulate(histogram["counts"]), strict=True)), histogram["sum"])
    return family
