"""The gateway's processes: workers, signals, and an end that no client takes for a fault.

`run(ServerConfig, …)` binds the ports, starts the workers and keeps them running. A worker that dies is replaced; on
SIGHUP they are replaced one after the other, and each time the successor takes clients from the same sockets before the
old worker is told to go.
"""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gateway.observability import metrics, writer
from gateway.server import listeners
from gateway.server.acceptor import with_room
from gateway.server.config import ServerConfig
from gateway.server.processes import Child, Flag
from gateway.server.supervisor import Backoff, Supervisor
from gateway.server.worker import Inheritance, Opener, work

DYING_SECONDS = 2.0  # for a worker to end after its drain time, before it is killed
GARBAGE = (5_000, 20, 20)  # for `gc.set_threshold`: a visit makes some hundred objects that are to be looked at
LONGEST_PAUSE = 1.0  # seconds before a worker that died is replaced, however often it does

log = logging.getLogger("gateway")


def run(config: ServerConfig, open_context: Opener, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `open_context` is called in each worker. Raises CannotServe.

    On SIGHUP the workers are replaced one after the other, with the certificate of that moment; the ports stay open.
    """
    listeners.tls_context(
        config.certificate, config.key
    )  # so that what is wrong with it is said before anything starts
    with_room(config.limits)
    master = Master(config, open_context)
    gc.collect()
    gc.freeze()  # what is imported now is shared by the workers and never garbage
    gc.set_threshold(*GARBAGE)
    supervisor = Supervisor(master.children(), backoff=Backoff(maximum=LONGEST_PAUSE), say=say, on_stop=master.end)
    return supervisor.run(renew_on=signal.SIGHUP)


class Master:
    """What the processes share: the sockets, and whether all of this is coming to its end."""

    def __init__(self, config: ServerConfig, open_context: Opener) -> None:
        self._config = config
        bound = listeners.bind_for_workers(
            config.hosts, ws_port=config.ws_port, wss_port=config.wss_port, workers=config.workers
        )
        self._inheritance = Inheritance(config, open_context, bound)

    def children(self) -> list[Child]:
        """The workers, and the process that answers scrapes if there is to be one."""
        workers = [self._worker(number) for number in range(self._config.workers)]
        return [*workers, *self._metrics()]

    def end(self) -> None:
        """From now on a worker that is told to stop has no successor."""
        self._inheritance.is_ending.set()
        listeners.close(self._inheritance.listeners)

    def _worker(self, number: int) -> Child:
        ready = Flag()
        task = partial(work, self._inheritance, number, ready.set)
        return Child(f"gateway worker {number + 1}", task, grace=self._config.drain + DYING_SECONDS, ready=ready)

    def _metrics(self) -> list[Child]:
        port, folder = self._config.metrics_port, self._config.metrics_folder
        if not port or folder is None:
            return []
        self._inheritance.of_others = listeners.bind("127.0.0.1", port, "APIM_METRICS_PORT")
        writer.clear(folder)
        return [Child("gateway metrics", partial(serve_metrics, self._inheritance, folder), last=True)]


def serve_metrics(inheritance: Inheritance, folder: Path) -> int:
    """Answer scrapes, in a process of its own, until it is told to stop; the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    listeners.close(inheritance.listeners)
    return metrics.serve(inheritance.of_others[0], folder)
