"""Starting the product, watching over it, and stopping it. Each journey runs `manage.py up` as a user does."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from django.conf import LazySettings
from websockets.sync.client import connect

from apimanager import launch
from apimanager.preflight import CannotStart
from tests.environment import free_ports
from tests.product import READY, Install, Product

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("up")]


def refusal(product: Product) -> str:
    """What a product that cannot start says: one line on standard error, exit code 1."""
    return sentence(product.manage("up"))


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


def is_free(port: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", int(port))) != 0


def echo(address: str) -> str | bytes:
    with connect(f"{address}/echo") as connection:
        connection.send("hello")
        return connection.recv(5)


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=10)[1]


def test_the_banner_names_every_address_and_the_first_password(running: Product) -> None:
    for address in (f"{running.portal}/publisher", f"{running.portal}/devportal", running.ws, running.wss):
        assert address in running.log()
    assert f"{running.samples}/echo" in running.log()
    assert "admin / admin" in running.log()
    assert re.search(r"Relay +in (C|Python: )", running.log())


def test_a_signal_stops_every_process_and_a_second_start_keeps_the_data_and_the_certificate(install: Install) -> None:
    product = install().start()
    certificate = (product.data / "tls" / "certificate.pem").read_bytes()
    renews_its_workers(product)
    with closing(sqlite3.connect(product.data / "apimanager.sqlite3", timeout=30)) as database:
        database.execute("UPDATE accounts_user SET first_name = 'Ada'")
        database.commit()
    with socket.create_connection(("127.0.0.1", int(product.settings["APIM_SAMPLES_PORT"]))) as half:
        half.send(b"GET /echo HTTP/1.1\r\n")  # a request that never ends its headers keeps nobody from stopping
        product.wait_until(lambda: any(half.getsockname()[1] in clients_of(each) for each in product.processes()))
        _stops_on(signal.SIGTERM, product)
    assert not (product.data / "gateway.pid").exists()
    nobody = product.manage("gateway", "--renew")
    assert (nobody.returncode, nobody.stderr[:16]) == (1, "No gateway runs ")
    others = [path for path in (product.data, *product.data.rglob("*")) if path.lstat().st_mode & 0o077]
    assert [path for path in others if not path.is_symlink()] == [], "all that it left is its owner's only"
    product.start(anew=True)
    assert "Preparing the database" not in product.log()
    with closing(sqlite3.connect(product.data / "apimanager.sqlite3", timeout=30)) as database:
        assert database.execute("SELECT username, first_name FROM accounts_user").fetchall() == [("admin", "Ada")]
    assert (product.data / "tls" / "certificate.pem").read_bytes() == certificate
    _stops_on(signal.SIGINT, product)


def renews_its_workers(product: Product) -> None:
    gateway = psutil.Process(int((product.data / "gateway.pid").read_text()))
    before = {each.pid for each in gateway.children()}
    told = product.manage("gateway", "--renew")
    assert (told.returncode, told.stdout) == (0, f"The gateway, process {gateway.pid}, replaces its workers.\n")
    product.wait_until(lambda: product.log().count("was renewed.") == 2)
    after = {each.pid for each in gateway.children()}
    assert (len(after), len(after & before)) == (3, 1)  # all but the process that answers scrapes


def _stops_on(number: signal.Signals, product: Product) -> None:
    processes = product.processes()
    assert len(processes) >= 4
    assert product.stop(number) == 0
    assert gone(processes)
    assert "Traceback" not in product.log()
    assert all(is_free(port) for name, port in product.settings.items() if name.endswith("PORT"))


def test_ctrl_c_while_the_database_is_being_prepared_ends_it_quietly(install: Install) -> None:
    product = install(prepare=False)
    product.run_in_background()
    product.wait_until(lambda: "Preparing the database" in product.log())
    assert product.stop(signal.SIGINT) == 130
    assert "Traceback" not in product.log()


@pytest.mark.parametrize("place", ["a destructor", "a callback of the database"])
def test_ctrl_c_where_python_loses_it_ends_the_start_all_the_same(install: Install, place: str) -> None:
    done = install().run("-c", LOSING_CTRL_C, "up", place)
    said = [line for line in done.stderr.splitlines() if "Changed since the last start" not in line]
    assert (done.returncode, said) == (130, [])
    assert READY not in done.stdout


LOSING_CTRL_C = """
import signal, sqlite3, sys, manage

class Lost:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)  # what is raised in here, Python ignores

def connect_and_lose(*given, **named):
    connection = connect(*given, **named)
    if place == "a destructor":
        Lost()
    else:  # what is raised in here comes out as an error of the database
        connection.set_authorizer(lambda *asked: signal.raise_signal(signal.SIGINT))
    return connection

place = sys.argv.pop()
connect, sqlite3.dbapi2.connect = sqlite3.dbapi2.connect, connect_and_lose
manage.main()
"""


def test_no_process_outlives_a_killed_parent(install: Install) -> None:
    product = install().start()
    processes = product.processes()
    product.stop(signal.SIGKILL)
    assert gone(processes)


def test_a_killed_child_is_started_again(running: Product) -> None:
    port = int(running.settings["APIM_SAMPLES_PORT"])
    listening = [each for each in running.processes() if port in ports_of(each)]
    assert len(listening) == 1
    listening[0].kill()
    running.wait_until(lambda: any(port in ports_of(each) for each in running.processes() if each != listening[0]))
    assert echo(running.samples) == "hello"
    assert "samples ended (killed by SIGKILL); starting it again" in running.log()


def clients_of(process: psutil.Process) -> set[int]:
    """The ports of those whom it has accepted."""
    with suppress(psutil.Error):
        return {each.raddr.port for each in process.net_connections("inet") if each.raddr}
    return set()


def ports_of(process: psutil.Process) -> set[int]:
    try:
        return {each.laddr.port for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
    except psutil.Error:
        return set()


def test_a_port_in_use_is_one_sentence_before_anything_starts(install: Install) -> None:
    product = install()
    with socket.create_server(("127.0.0.1", int(product.settings["APIM_METRICS_PORT"]))):
        said = refusal(product)
    assert said == (
        f"Port {product.settings['APIM_METRICS_PORT']} is in use by another program: "
        "stop that program or choose another port with APIM_METRICS_PORT."
    )


@pytest.mark.parametrize("setting", ["PORTAL_PORT", "GATEWAY_WS_PORT", "GATEWAY_WSS_PORT", "SAMPLES_PORT"])
def test_every_port_is_looked_at_before_anything_starts(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setattr(launch.bootstrap, "check_database", lambda: pytest.fail("it started"))
    names = ("PORTAL_PORT", "GATEWAY_WS_PORT", "GATEWAY_WSS_PORT", "SAMPLES_PORT", "METRICS_PORT")
    for name, port in zip(names, free_ports(len(names)), strict=True):
        setattr(settings, name, port)
    with (
        socket.create_server(("127.0.0.1", getattr(settings, setting))),
        pytest.raises(CannotStart, match=f"choose another port with APIM_{setting}"),
    ):
        launch.everything(print)


def test_a_file_that_is_no_database_is_one_sentence_and_is_kept(install: Install) -> None:
    product = install()
    database = product.data / "apimanager.sqlite3"
    database.write_bytes(b"this is not a database" * 100)
    assert "apimanager.sqlite3 cannot be used (file is not a database)" in refusal(product)
    assert database.read_bytes().startswith(b"this is not")


def test_a_database_that_does_not_answer_is_one_sentence_without_its_password(install: Install) -> None:
    said = refusal(install(DATABASE_URL="postgres://carol:hunter2@127.0.0.1:1/apim"))
    assert said.startswith("The database named by DATABASE_URL does not answer (")
    assert "hunter2" not in said


def test_a_certificate_that_cannot_be_read_is_one_sentence(install: Install) -> None:
    said = refusal(install(APIM_TLS_CERTIFICATE="/nowhere/certificate.pem", APIM_TLS_KEY="/nowhere/key.pem"))
    assert "APIM_TLS_CERTIFICATE names /nowhere/certificate.pem, which cannot be read" in said


def test_a_data_folder_that_cannot_be_written_is_one_sentence(install: Install) -> None:
    product = install(prepare=False)
    product.data.write_text("a file, where a folder should be")
    said = sentence(product.run("manage.py", "up"))
    assert said.endswith("make it writable or name another with APIM_DATA_DIR.")


def test_other_machines_are_not_let_in_while_the_first_password_stands(install: Install) -> None:
    assert "APIM_BIND=0.0.0.0 would let other machines in" in refusal(install(APIM_BIND="0.0.0.0"))


def test_setup_prepares_the_database_once_and_is_harmless_the_second_time(prepared: Path, install: Install) -> None:
    assert "Preparing the database" in (prepared.parent / "state").read_text()
    product = install()
    second = product.manage("setup")
    assert (second.returncode, second.stdout) == (0, "The database is ready.\n"), second.stderr
    with closing(sqlite3.connect(product.data / "apimanager.sqlite3")) as database:
        assert database.execute("SELECT username FROM accounts_user").fetchall() == [("admin",)]


def test_the_portal_alone_asks_for_setup_when_the_database_is_not_prepared(install: Install) -> None:
    done = install(prepare=False).manage("portal")
    assert (done.returncode, done.stderr) == (
        1,
        "The database is not prepared for this release: run `manage.py setup` first.\n",
    )


def test_only_its_owner_can_read_the_secrets_in_the_data_folder(install: Install) -> None:
    product = install()
    for name in ("secret_key", "signing_key.pem"):
        assert os.stat(product.data / name).st_mode & 0o077 == 0
