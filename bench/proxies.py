"""Who is measured, and how each is set up to do the same work: one process, one core, authorised handshakes."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from bench import processes
from bench.errors import BenchError, Unavailable
from bench.load import Target

ROOT = Path(__file__).resolve().parent.parent
TLS_PORT_OFFSET = 20

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
{user}
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream backend {{ server 127.0.0.1:{backend}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            auth_request /authorize;
            proxy_pass http://127.0.0.1:{backend};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_buffer_size 32k;
            proxy_buffers 8 32k;
            proxy_read_timeout 3600s;
        }}
        location = /authorize {{
            internal;
            proxy_pass http://backend/authorize;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass_request_body off;
        }}
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
    tune.bufsize 32768
    maxconn 8192
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend front
    bind 127.0.0.1:{port}
    http-request deny deny_status 401 unless {{ req.hdr(authorization) -m beg "Bearer " }}
    default_backend echo
backend echo
    server echo 127.0.0.1:{backend}
"""


@dataclass(frozen=True)
class Site:
    """Where a proxy is set up: its folder for files, its port, its core, and the port of the echo backend."""

    folder: Path
    port: int
    core: int
    backend: int


@dataclass(frozen=True)
class Running:
    """A proxy that accepts connections. `pid` is None when there is none (direct)."""

    target: Target
    pid: int | None


@dataclass(frozen=True)
class Proxy:
    """`version` raises Unavailable when the proxy cannot be run here; `serve` starts it and stops it."""

    name: str
    work: str
    version: Callable[[], str]
    serve: Callable[[Site], AbstractContextManager[Running]]


@contextmanager
def _direct(site: Site) -> Iterator[Running]:
    yield Running(_target(site.backend), None)


@contextmanager
def _nginx(site: Site) -> Iterator[Running]:
    user = "user root;" if os.geteuid() == 0 else ""
    config = _write(site, "nginx.conf", NGINX.format(user=user, **_places(site)))
    log = site.folder / "nginx.log"
    command: list[str | Path] = [_path("nginx"), "-p", site.folder, "-e", log, "-c", config]
    with processes.running(command, port=site.port, core=site.core, log=log) as pid:
        yield Running(_target(site.port), pid)


@contextmanager
def _haproxy(site: Site) -> Iterator[Running]:
    config = _write(site, "haproxy.cfg", HAPROXY.format(**_places(site)))
    command: list[str | Path] = [_path("haproxy"), "-db", "-f", config]
    with processes.running(command, port=site.port, core=site.core, log=site.folder / "haproxy.log") as pid:
        yield Running(_target(site.port), pid)


@contextmanager
def _gateway(site: Site) -> Iterator[Running]:
    environment = _gateway_environment(site)
    arranged = _arranged(site, environment)
    command: list[str | Path] = [sys.executable, ROOT / "manage.py", "gateway", "--workers", "1"]
    log = site.folder / "gateway.log"
    with processes.running(command, port=site.port, core=site.core, log=log, env=environment, cwd=ROOT) as pid:
        yield Running(Target(f"ws://127.0.0.1:{site.port}{arranged['path']}", f"Bearer {arranged['token']}"), pid)


def _gateway_environment(site: Site) -> dict[str, str]:
    """The product's defaults, with a data folder and ports of the benchmark's own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("APIM_", "DATABASE_URL", "REDIS_"))
    }
    return kept | {
        "APIM_DATA_DIR": str(site.folder / "var"),
        "APIM_GATEWAY_WS_PORT": str(site.port),
        "APIM_GATEWAY_WSS_PORT": str(site.port + TLS_PORT_OFFSET),
    }


def _arranged(site: Site, environment: dict[str, str]) -> dict[str, str]:
    """The path of the published API and a token for it; made once in each run of the benchmark."""
    kept = site.folder / "arranged.json"
    if not kept.exists():
        command = [sys.executable, "-m", "bench.arrange", f"ws://127.0.0.1:{site.backend}/"]
        result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if result.returncode:
            raise BenchError(f"the published API could not be made: {result.stderr.strip().splitlines()[-1]}")
        kept.write_text(result.stdout.splitlines()[-1])
    arranged: dict[str, str] = json.loads(kept.read_text())
    return arranged


def _places(site: Site) -> dict[str, object]:
    return {"folder": site.folder, "port": site.port, "backend": site.backend}


def _target(port: int) -> Target:
    return Target(f"ws://127.0.0.1:{port}/bench")


def _write(site: Site, name: str, text: str) -> Path:
    path = site.folder / name
    path.write_text(text.lstrip())
    return path


def _path(name: str) -> str:
    """The program `name`, also where only root usually looks; Unavailable when it is not installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise Unavailable(f"{name} is not installed")
    return found


def _direct_version() -> str:
    return "–"


def _gateway_version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    below = ", ".join(f"{package} {metadata.version(package)}" for package in ("uvicorn", "uvloop"))
    return f"{project['version']} on Python {platform.python_version()}, {below}"


def _nginx_version() -> str:
    path = _path("nginx")
    told = subprocess.run([path, "-V"], capture_output=True, text=True, check=True).stderr
    if "http_auth_request_module" not in told:
        raise Unavailable("nginx is installed without its auth_request module")
    return told.splitlines()[0].rpartition("/")[2].split()[0]


def _haproxy_version() -> str:
    told = subprocess.run([_path("haproxy"), "-v"], capture_output=True, text=True, check=True).stdout
    return told.split()[2]


DIRECT = Proxy("direct", "no proxy: generator and backend alone on their core", _direct_version, _direct)
GATEWAY = Proxy(
    "gateway",
    "1 worker, JWT and subscription verified, every frame header scanned, every message counted",
    _gateway_version,
    _gateway,
)
NGINX_PROXY = Proxy(
    "nginx",
    "1 worker, `auth_request` to a local endpoint that answers 204, `proxy_buffer_size 32k`, no access log",
    _nginx_version,
    _nginx,
)
HAPROXY_PROXY = Proxy(
    "haproxy", "1 thread, refuses what has no Bearer header, `tune.bufsize 32768`, no log", _haproxy_version, _haproxy
)
ALL = [DIRECT, GATEWAY, NGINX_PROXY, HAPROXY_PROXY]
REFERENCE = NGINX_PROXY.name
