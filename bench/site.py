"""Where a proxy is set up, what it looks like while it runs, and how its configuration is written."""

import re
import resource
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.load import Target

CONFIGURATIONS = Path(__file__).resolve().parent / "conf"
TLS_PORT_OFFSET = 20
PLACE = re.compile(r"@\{(\w+)\}")


@dataclass(frozen=True)
class Certificate:
    """PEM files: the certificate, its key, and both in one."""

    certificate: Path
    key: Path
    pair: Path


@dataclass(frozen=True)
class Site:
    """Where a proxy is set up: its folder for files, the one that proxies share, its port, its core, and the port of
    the echo backend."""

    folder: Path
    shared: Path
    port: int
    core: int
    backend: int
    certificate: Certificate

    @property
    def tls_port(self) -> int:
        return self.port + TLS_PORT_OFFSET

    def targets(self, path: str = "/bench", authorization: str = "Bearer bench") -> dict[str, Target]:
        """The addresses for ws and for wss."""
        return {
            "ws": Target(f"ws://127.0.0.1:{self.port}{path}", authorization),
            "wss": Target(f"wss://127.0.0.1:{self.tls_port}{path}", authorization),
        }


@dataclass(frozen=True)
class Running:
    """A proxy that accepts connections, by scheme. `pid` is None when there is none (direct)."""

    targets: Mapping[str, Target]
    pid: int | None


@dataclass(frozen=True)
class Proxy:
    """`version` raises Unavailable when the proxy cannot be run here; `serve` starts it and stops it."""

    name: str
    title: str
    work: str
    version: Callable[[], str]
    serve: Callable[[Site], AbstractContextManager[Running]]


def configure(site: Site, name: str, **more: object) -> Path:
    """Writes the configuration `name` into the site's folder, with the site's places filled in; returns its path."""
    path = site.folder / name
    path.write_text(filled(name, site, **more))
    return path


def filled(name: str, site: Site, **more: object) -> str:
    """The configuration `name` of `bench/conf`; `@{port}` and its like stand for the site's values and for `more`."""
    descriptors = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65536)  # the soft limit, which we have raised
    values = {
        "folder": site.folder,
        "port": site.port,
        "tls_port": site.tls_port,
        "backend": site.backend,
        "certificate": site.certificate.certificate,
        "key": site.certificate.key,
        "pair": site.certificate.pair,
        "descriptors": descriptors,
        "clients": descriptors // 2 - 64,  # each has a connection on either side
        **more,
    }
    return PLACE.sub(lambda place: str(values[place[1]]), (CONFIGURATIONS / name).read_text())
