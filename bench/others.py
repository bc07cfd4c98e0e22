"""The four that the gateway is measured beside: one worker each, the same certificate, authorised handshakes.

nginx and HAProxy are those of the machine, Envoy and Caddy those of `requirements-bench.lock`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from bench import processes
from bench.errors import Unavailable
from bench.site import Proxy, Running, Site, configure, filled

Command = list[str | Path]


@contextmanager
def _running(site: Site, command: Command, environment: dict[str, str] | None = None) -> Iterator[Running]:
    ports = [site.port, site.tls_port]
    log = site.folder / "output.log"
    with processes.running(command, ports=ports, core=site.core, log=log, env=environment) as pid:
        yield Running(site.targets(), pid)


def _nginx_version() -> str:
    told = subprocess.run([_installed("nginx"), "-V"], capture_output=True, text=True, check=True).stderr
    for module in ("http_auth_request_module", "http_ssl_module"):
        if module not in told:
            raise Unavailable(f"nginx is installed without its {module}")
    return told.splitlines()[0].rpartition("/")[2].split()[0]


def _told(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _installed(name: str) -> Path:
    """The program `name` of the machine, also where only root usually looks; Unavailable when there is none."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise Unavailable(f"{name} is not installed (Debian: apt-get install {name})")
    return Path(found)


def _packaged(name: str) -> Path:
    """The program `name` that a package brought into this environment."""
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        raise Unavailable(f"{name} is not in this environment: `make bench` installs it where there is a package")
    return found


def _envoy_path() -> Path:
    """The binary itself, not the script that starts it."""
    package = find_spec("envoy")
    places = list(package.submodule_search_locations or []) if package else []
    found = [path for place in places if (path := Path(place) / "_bin" / "envoy").exists()]
    return found[0] if found else _packaged("envoy")


def _nginx(site: Site, *, workers: int) -> AbstractContextManager[Running]:
    configuration = configure(
        site,
        "nginx.conf",
        user="user root;" if os.geteuid() == 0 else "",
        workers=workers,
        sharing=" reuseport" if workers > 1 else "",  # else the first to wake takes nearly all the clients
    )
    return _running(
        site, [_installed("nginx"), "-p", site.folder, "-e", site.folder / "nginx.log", "-c", configuration]
    )


NGINX = Proxy(
    "nginx",
    "nginx",
    "1 worker, `auth_request` to a local endpoint that says yes, `proxy_buffer_size 32k`, no access log",
    _nginx_version,
    partial(_nginx, workers=1),
)
NGINX_TWO = Proxy(
    "nginx-2",
    "nginx, 2 workers",
    "the same with two workers on that one core, each with a listening socket of its own (`reuseport`)",
    _nginx_version,
    partial(_nginx, workers=2),
)
HAPROXY = Proxy(
    "haproxy",
    "HAProxy",
    "1 thread, refuses what has no Bearer header, `tune.bufsize 32768`, no log",
    lambda: _told(_installed("haproxy"), "-v").split()[2],
    lambda site: _running(site, [_installed("haproxy"), "-db", "-f", configure(site, "haproxy.cfg")]),
)
ENVOY = Proxy(
    "envoy",
    "Envoy",
    "`--concurrency 1`, `ext_authz` to the same endpoint, no access log, `delayed_close_timeout` 0 (else it keeps a "
    "closed connection for a second)",
    lambda: _told(_envoy_path(), "--version").split("/")[-4],
    lambda site: _running(
        site,
        [
            *(_envoy_path(), "-c", configure(site, "envoy.json", http=filled("envoy-http.json", site))),
            *("--concurrency", "1", "--log-level", "error", "--disable-hot-restart"),
        ],
    ),
)
CADDY = Proxy(
    "caddy",
    "Caddy",
    "`GOMAXPROCS=1`, `forward_auth` to the same endpoint, no access log",
    lambda: _told(_packaged("caddy"), "version").split()[0].removeprefix("v"),
    lambda site: _running(
        site,
        [_packaged("caddy"), "run", "--adapter", "caddyfile", "--config", configure(site, "Caddyfile")],
        {**os.environ, "GOMAXPROCS": "1", "HOME": str(site.folder)},
    ),
)
FOUR = [NGINX, HAPROXY, ENVOY, CADDY]
