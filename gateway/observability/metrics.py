"""The gateway's metrics for Prometheus: what all workers have reported, added up, on a port of this machine only.

Served by a process of its own, so that a scrape costs no worker anything. Workers that have ended are folded into one
file, so that what they counted stays counted.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from gateway.observability.aggregator import Aggregator, Labels, Report, added, is_living, merged

DEADLINE_SECONDS = 10.0  # for a request and its answer
SCRAPES = 16  # at once
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

log = logging.getLogger("gateway.metrics")


class Definition(NamedTuple):
    """One metric. `name` is without the suffix that Prometheus gives a counter, `_total`."""

    name: str
    kind: str
    text: str
    labels: Labels = ()


API = ("api", "version")
DEFINITIONS: Final = (
    Definition("apim_workers", "gauge", "Workers of the gateway that live."),
    Definition("apim_worker_starts", "counter", "Workers that have started since the gateway has."),
    Definition("apim_connections", "gauge", "Open connections.", API),
    Definition("apim_handshakes", "counter", "Handshakes by the status of their answer, 101 if let in.", ("status",)),
    Definition("apim_refusals", "counter", "Refused handshakes and requests, by code.", ("status", "code")),
    Definition("apim_closes", "counter", "Connections ended, by whom and with what close code.", ("by", "code")),
    Definition("apim_messages", "counter", "Messages relayed.", (*API, "direction")),
    Definition("apim_message_bytes", "counter", "Bytes of the payloads of messages relayed.", (*API, "direction")),
    Definition(
        "apim_payload_violations", "counter", "Messages that fit no schema of their topic.", (*API, "direction")
    ),
    Definition("apim_dial_seconds", "histogram", "How long backends took to answer or to fail.", (*API, "status")),
    Definition("apim_event_loop_lag_seconds", "histogram", "How late workers' event loops were, 4 times a second."),
    Definition("apim_lease_exchange_seconds", "histogram", "How long the store of quotas took to answer or to fail."),
    Definition("apim_lease_exchange_failures", "counter", "How often the store of quotas failed to answer."),
    Definition("apim_lease_store_losses", "counter", "How often Redis had forgotten what was used of quotas."),
    Definition("apim_worker_feed_age_seconds", "gauge", "How old what a worker knows of the database is.", ("pid",)),
    Definition("apim_worker_clock_skew_seconds", "gauge", "How far this machine's clock is ahead.", ("pid",)),
    Definition("apim_worker_resident_memory_bytes", "gauge", "Resident memory of a worker.", ("pid",)),
    Definition("apim_worker_open_descriptors", "gauge", "File descriptors that a worker has open.", ("pid",)),
    Definition("apim_worker_descriptor_limit", "gauge", "File descriptors that a worker may have open.", ("pid",)),
    Definition("apim_worker_relay", "gauge", "1 for the relay of a worker, native or python.", ("pid", "relay")),
    Definition("apim_worker_cpu_seconds", "counter", "CPU time that a worker has used.", ("pid",)),
)


class MetricsServer(ThreadingHTTPServer):
    """Answers `GET /metrics`. `shutdown` ends it. More than SCRAPES at once are cut off."""

    daemon_threads = True
    deadline = DEADLINE_SECONDS

    def __init__(self, sock: socket.socket, folder: Path) -> None:
        super().__init__(sock.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = sock
        sock.setblocking(True)
        self.registry = CollectorRegistry()
        self.registry.register(Workers(folder))
        self._places = threading.BoundedSemaphore(SCRAPES)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        over = threading.Timer(self.deadline, _cut, (request,))
        over.daemon = True
        over.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            over.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scraper that goes away in the middle is none of our business; what else goes wrong stands in the log."""
        log.warning("A scrape could not be answered.", exc_info=True)  # noqa: LOG014 - called from within one


class _Handler(BaseHTTPRequestHandler):
    """One scrape."""

    server: MetricsServer

    def do_GET(self) -> None:
        """Nothing for who comes by a name of the Web's: a page could have its own name lead here (DNS rebinding)."""
        host = self.headers.get("Host")
        if host is not None and re.sub(r":[0-9]+$", "", host).lower() not in LOCAL_NAMES:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "Ask for localhost or 127.0.0.1.")
            return
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


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Workers(Aggregator):
    """Collects for Prometheus what the workers' files in a folder say."""

    def collect(self) -> Iterator[Metric]:
        """Every metric, at the moment."""
        values = _values(self.read())
        for name, kind, text, labels in DEFINITIONS:
            if kind == "histogram":
                family = HistogramMetricFamily(name, text, labels=labels)
                for each, histogram in values[name]:
                    bounds = [*map(str, histogram["bounds"]), "+Inf"]
                    counts = list(zip(bounds, accumulate(histogram["counts"]), strict=True))
                    family.add_metric(each, counts, histogram["sum"])
                yield family
                continue
            number = (CounterMetricFamily if kind == "counter" else GaugeMetricFamily)(name, text, labels=labels)
            for each, value in values[name]:
                number.add_metric(each, value)
            yield number


def _values(reports: list[Report]) -> dict[str, list[tuple[Labels, Any]]]:
    living = [each for each in reports if is_living(each)]
    return {
        "apim_workers": [((), len(living))],
        "apim_worker_starts": [((), sum(each["starts"] for each in reports))],
        "apim_connections": added(living, "connections"),
        "apim_handshakes": added(reports, "handshakes"),
        "apim_refusals": added(reports, "refusals"),
        "apim_closes": added(reports, "closes"),
        "apim_messages": _traffic(reports, incoming=0, outgoing=2),
        "apim_message_bytes": _traffic(reports, incoming=1, outgoing=3),
        "apim_payload_violations": added(reports, "violations"),
        "apim_dial_seconds": merged(reports, "dials"),
        "apim_event_loop_lag_seconds": merged(reports, "lag"),
        "apim_lease_exchange_seconds": merged(reports, "store"),
        "apim_lease_exchange_failures": [((), sum(each["store_failures"] for each in reports))],
        "apim_worker_relay": [((str(each["pid"]), each["relay"]), 1) for each in living],
        "apim_lease_store_losses": [((), sum(each.get("store_forgot", 0) for each in reports))],
        **{
            f"apim_worker_{name}": [((str(each["pid"]),), each["process"].get(name, 0.0)) for each in living]
            for name in _FIGURES
        },
    }


_FIGURES: Final = (
    *("feed_age_seconds", "clock_skew_seconds"),
    *("resident_memory_bytes", "open_descriptors", "descriptor_limit", "cpu_seconds"),
)


def _traffic(reports: list[Report], *, incoming: int, outgoing: int) -> list[tuple[Labels, Any]]:
    return [
        ((*labels, direction), values[place])
        for labels, values in added(reports, "traffic")
        for direction, place in (("in", incoming), ("out", outgoing))
    ]
