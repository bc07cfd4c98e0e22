"""The gateway, as its own command starts it: one worker, with a plan that counts and with one that has no limits."""

import json
import os
import platform
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path

from bench import processes
from bench.arrange import METERED, UNLIMITED
from bench.errors import BenchError, Unavailable
from bench.site import TLS_PORT_OFFSET, Proxy, Running, Site
from gateway import native

ROOT = Path(__file__).resolve().parent.parent
METRICS_PORT_OFFSET = 2 * TLS_PORT_OFFSET
BEFORE = "BENCH_BEFORE"
TOKEN_SECONDS = 24 * 3600


@contextmanager
def _gateway(
    plan: str, site: Site, relay: str = native.NATIVE, root: Path = ROOT, workers: int = 1
) -> Iterator[Running]:
    environment = _environment(site, root) | {native.SETTING: relay}
    kept = site.shared / ("arranged.json" if root == ROOT else "arranged-before.json")
    if not kept.exists():  # once in each run of the benchmark
        arranging = [sys.executable, "-m", "bench.arrange", f"ws://127.0.0.1:{site.backend}/"]
        result = subprocess.run(arranging, env=environment, cwd=root, capture_output=True, text=True, check=False)
        if result.returncode:
            raise BenchError(f"the published API could not be made: {result.stderr.strip().splitlines()[-1]}")
        kept.write_text(result.stdout.splitlines()[-1])
    arranged: dict[str, str] = json.loads(kept.read_text())
    command: list[str | Path] = [sys.executable, root / "manage.py", "gateway", "--workers", str(workers)]
    ports = [site.port, site.tls_port]
    log = site.folder / "output.log"
    with processes.running(command, ports=ports, core=site.core, log=log, env=environment, cwd=root) as pid:
        yield Running(site.targets(arranged["path"], f"Bearer {arranged[plan]}"), pid)


def _environment(site: Site, root: Path) -> dict[str, str]:
    """The product's defaults, with a data folder and ports of its own here, and the certificate of all proxies."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("APIM_", "DATABASE_URL", "REDIS_"))
    }
    return kept | {
        "APIM_DATA_DIR": str(site.shared / ("var" if root == ROOT else "var-before")),
        "APIM_GATEWAY_WS_PORT": str(site.port),
        "APIM_GATEWAY_WSS_PORT": str(site.tls_port),
        "APIM_METRICS_PORT": str(site.port + METRICS_PORT_OFFSET),
        "APIM_ACCESS_LOG": "no",
        "APIM_BACKEND_NETWORKS": "127.0.0.1",
        "APIM_TLS_CERTIFICATE": str(site.certificate.certificate),
        "APIM_TLS_KEY": str(site.certificate.key),
        "APIM_ACCESS_TOKEN_SECONDS": str(TOKEN_SECONDS),
    }


def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    below = ", ".join(f"{package} {metadata.version(package)}" for package in ("uvicorn", "uvloop"))
    return f"{project['version']} on Python {platform.python_version()}, {below}, relay {native.sentence()}"


def _version_before() -> str:
    root = os.environ.get(BEFORE, "")
    if not root:
        raise Unavailable(f"{BEFORE} names no other checkout to compare with")
    if not (Path(root) / "manage.py").exists():
        raise Unavailable(f"{BEFORE} is {root}, which has no manage.py")
    described = subprocess.run(
        ["git", "-C", root, "log", "-1", "--format=%h"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or root


GATEWAY = Proxy(
    "gateway",
    "gateway",
    "1 worker; token, subscription and plan checked; every frame header scanned; every message metered against the "
    "quota and the rate of a plan that is too large to be reached; a row in the connection log for each, no access log",
    _version,
    partial(_gateway, METERED),
)
GATEWAY_TWO = Proxy(
    "gateway-2",
    "gateway, 2 workers",
    "the same with two workers on that one core",
    _version,
    partial(_gateway, METERED, workers=2),
)
GATEWAY_IN_PYTHON = Proxy(
    "gateway-python",
    "gateway, in Python",
    "the same where its extension in C could not be built, or is not wanted",
    _version,
    partial(_gateway, METERED, relay=native.PYTHON),
)
GATEWAY_BEFORE = Proxy(
    "gateway-before",
    "gateway, of another checkout",
    f"the same work by the code in the folder that {BEFORE} names, in turns with the present one",
    _version_before,
    lambda site: _gateway(METERED, site, root=Path(os.environ[BEFORE])),
)
GATEWAY_UNLIMITED = Proxy(
    "gateway-unlimited",
    "gateway, no plan limits",
    "the same with the plan Unlimited: every message counted, none held against a limit",
    _version,
    partial(_gateway, UNLIMITED),
)
