"""Start the parts: all of them under one supervisor, or one alone. Everything that can be wrong is checked first."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import connections
from django.urls import get_resolver
from django.utils import timezone

from accounts.default_password import default_password_stands
from apimanager import banner, bootstrap, fingerprint, mail, pid_file, preflight, samples, signals, tls, upkeep
from apimanager.preflight import WantedPort
from gateway.logging import formats
from gateway.server import config, master
from gateway.server.asgi import open_context
from gateway.server.listeners import CannotServe
from gateway.server.processes import Child
from gateway.server.supervisor import Supervisor

STOPPING_SECONDS = 5.0  # for the gateway to end after its drain time, before its parent kills it

log = logging.getLogger("apimanager")


def everything(say: Callable[[str], None]) -> int:
    """Prepare, start every part, say where they are, and keep them running; returns the exit code.

    The children are forks of this process, which has imported what they need: so a start takes a second or two.
    """
    with signals.heeded():
        _begin("portal", "gateway", "samples")
        bootstrap.check_database()
        _ensure_certificate(say)
        bootstrap.prepare_database(timezone.now(), say)
        stands = default_password_stands()
        preflight.check_exposure(settings.BIND_HOST, stands)
        fingerprint.check()
        _ = get_resolver().url_patterns  # imports every view, once for all children
        connections.close_all()
    grace = settings.GATEWAY_DRAIN_SECONDS + STOPPING_SECONDS
    children = [
        # The samples end last, for the gateway's clients are talking to them.
        Child("samples", lambda: _or_sentence(lambda: samples.run(settings.SAMPLES_PORT)), last=True),
        Child("gateway", lambda: serve_gateway(settings.GATEWAY_WORKERS), grace=grace),
        *_portal_children(),
        Child("banner", lambda: banner.announce(stands), once=True),
    ]
    supervisor = Supervisor(children, say=log.warning)
    signals.pass_on(supervisor.stop)
    return supervisor.run()


def portal_alone() -> int:
    """Serve the portal in this process, which ends with it, or in as many as there are to be; the exit code."""
    prepare_alone("portal")
    if settings.PORTAL_WORKERS <= 1:
        _serve_portal()
    _ = get_resolver().url_patterns
    return Supervisor(_portal_children(), say=log.warning).run()


def samples_alone() -> None:
    """Serve the sample backends in this process."""
    with signals.heeded():
        _begin("samples")
    signals.leave()
    samples.run(settings.SAMPLES_PORT)


def prepare_alone(part: str) -> None:
    """Check all that a part served without the others needs. Raises CannotStart."""
    with signals.heeded():
        _begin(part)
        bootstrap.check_migrated()
        preflight.check_exposure(settings.BIND_HOST, default_password_stands())
        fingerprint.check()
        _ensure_certificate(log.info)
        connections.close_all()
    signals.leave()


def _portal_children() -> list[Child]:
    """Each has a socket of its own at the one port: the kernel spreads clients, and gives none to one that died."""
    count = max(1, settings.PORTAL_WORKERS)
    names = ["portal"] if count == 1 else [f"portal {number + 1}" for number in range(count)]
    grace = settings.PORTAL_DRAIN_SECONDS + STOPPING_SECONDS
    return [Child(name, lambda: _or_sentence(_serve_portal), grace=grace) for name in names]


def _serve_portal() -> None:
    from apimanager.portal import server  # Twisted's reactor belongs to the process that imports it

    upkeep.start()
    mail.start()
    server.serve(settings.BIND_HOSTS)


def serve_gateway(workers: int) -> int:
    """Serve the gateway with this many worker processes; returns the exit code."""
    settings.GATEWAY_WORKERS = workers = max(1, workers)
    plan = config.ServerConfig(
        hosts=settings.BIND_HOSTS,
        ws_port=settings.GATEWAY_WS_PORT,
        wss_port=settings.GATEWAY_WSS_PORT,
        certificate=settings.TLS_CERTIFICATE,
        key=settings.TLS_KEY,
        key_password=settings.TLS_KEY_PASSWORD,
        workers=workers,
        drain=settings.GATEWAY_DRAIN_SECONDS,
        connections=settings.GATEWAY_CONNECTIONS,
        greeted_per_address=settings.GATEWAY_GREETED_PER_ADDRESS,
        proxies=settings.TRUSTED_PROXIES,
        proxy_protocol=settings.PROXY_PROTOCOL,
        metrics_port=settings.METRICS_PORT,
        metrics_folder=settings.METRICS_FOLDER,
    )
    connections.close_all()
    if settings.REDIS_URL:
        from gateway.quotas.stores.advice import advice

        for sentence in advice(settings.REDIS_URL):
            log.warning("%s", sentence)
    with pid_file.written(settings.GATEWAY_PID_FILE):  # who is to be sent SIGHUP
        try:
            return master.run(plan, open_context, logging.getLogger("gateway").warning)
        except CannotServe as error:
            log.error("%s", error)
            return 1


def _or_sentence(work: Callable[[], object]) -> int:
    try:
        work()
    except preflight.CannotStart as error:
        log.error("%s", error)
        return 1
    return 0


def _ensure_certificate(say: Callable[[str], None]) -> None:
    made = tls.ensure_certificate(
        settings.TLS_CERTIFICATE,
        settings.TLS_KEY,
        settings.PUBLIC_HOST,
        timezone.now(),
        given=settings.TLS_GIVEN,
        password=settings.TLS_KEY_PASSWORD,
    )
    if made:
        say(f"Made a certificate for {settings.PUBLIC_HOST}: {settings.TLS_CERTIFICATE}")


def _begin(*parts: str) -> None:
    """Write the log as it is to be, from the first line on, and see that these parts can listen where they should."""
    if settings.LOG_FORMAT == "json":
        formats.take_over()
    portal = {"APIM_PORTAL_PORT": settings.PORTAL_PORT}
    gateway = {"APIM_GATEWAY_WS_PORT": settings.GATEWAY_WS_PORT, "APIM_GATEWAY_WSS_PORT": settings.GATEWAY_WSS_PORT}
    metrics = {"APIM_METRICS_PORT": settings.METRICS_PORT} if settings.METRICS_PORT else {}
    samples = {"APIM_SAMPLES_PORT": settings.SAMPLES_PORT}
    listened = {
        "portal": [(settings.BIND_HOSTS, portal)],
        "gateway": [(settings.BIND_HOSTS, gateway), (["127.0.0.1"], metrics)],
        "samples": [(["127.0.0.1"], samples)],
    }
    preflight.check_ports(
        WantedPort(host, port, setting)
        for part in parts
        for hosts, ports in listened[part]
        for setting, port in ports.items()
        for host in hosts
    )
