"""The master process: binds the ports, starts the workers, and makes an end that no client takes for a fault.

`run(ServerConfig, …)` binds the ports, starts the workers and keeps them running. A worker that dies is replaced; on
SIGHUP all of them are, and the successors take clients from the same sockets before the old workers are told to go.
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
STOPPED_BY_SIGNAL_SECONDS = 60.0  # between looks whether it was told to stop otherwise
LONGEST_PAUSE = 1.0  # seconds before a worker that died is replaced, however often it does

log = logging.getLogger("gateway")


def run(config: ServerConfig, open_context: Opener, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `open_context` is called in each worker. Raises CannotServe.

    On SIGHUP the workers are replaced, with the certificate of that moment; the ports stay open.
    """
    # So that what is wrong with the certificate is said before anything starts.
    listeners.tls_context(config.certificate, config.key, config.key_password)
    with_room(config.limits)
    ports = ((config.ws_port, "APIM_GATEWAY_WS_PORT", False), (config.wss_port, "APIM_GATEWAY_WSS_PORT", True))
    bound = [
        listeners.Listener(worker, sock, is_secure)
        for port, setting, is_secure in ports
        for host in config.hosts
        for worker, sock in enumerate(listeners.bind(host, port, setting, config.workers))
    ]
    inheritance = Inheritance(config, open_context, bound)
    gc.collect()
    gc.freeze()  # what is imported now is shared by the workers and never garbage
    gc.set_threshold(*GARBAGE)

    def end() -> None:
        inheritance.is_ending.set()  # from now on a worker that is told to stop has no successor
        listeners.close(bound)

    workers = children(inheritance)

    def leave_to_others(name: str) -> None:
        """A worker that cannot be replaced, while the database is away for example, shall get no more clients."""
        number = next(number for number, child in enumerate(workers) if child.name == name)
        listeners.pause(bound, number)
        if workers[number].ready:  # it came to work meanwhile
            listeners.resume(bound, number)
        else:
            say(f"{name} is missing; until it is back new clients are left to the other workers.")

    supervisor = Supervisor(
        workers, backoff=Backoff(maximum=LONGEST_PAUSE), say=say, on_stop=end, on_missing=leave_to_others
    )
    return supervisor.run(renew_on=signal.SIGHUP)


def children(inheritance: Inheritance) -> list[Child]:
    """The workers, and the process that answers scrapes if there is to be one."""
    config, found = inheritance.config, []
    for number in range(config.workers):
        ready = Flag()
        task = partial(work, inheritance, number, ready.set)
        found.append(Child(f"gateway worker {number + 1}", task, grace=config.drain + DYING_SECONDS, ready=ready))
    if config.metrics_port and config.metrics_folder:
        inheritance.of_others = listeners.bind("127.0.0.1", config.metrics_port, "APIM_METRICS_PORT")
        writer.clear(config.metrics_folder)
        task = partial(serve_metrics, inheritance, config.metrics_folder)
        found.append(Child("gateway metrics", task, last=True))
    return found


def serve_metrics(inheritance: Inheritance, folder: Path) -> int:
    """Answer scrapes, in a process of its own, until it is told to stop; the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    listeners.close(inheritance.listeners)
    metrics.MetricsServer(inheritance.of_others[0], folder).serve_forever(poll_interval=STOPPED_BY_SIGNAL_SECONDS)
    return 0
