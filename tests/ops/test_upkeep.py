"""The portal sees to the upkeep by itself, and goes on after a database that was away."""

from __future__ import annotations

import logging
import sqlite3
import threading
import urllib.request
from contextlib import closing, suppress

import psutil
import pytest
from django.conf import LazySettings
from django.db import OperationalError

from apimanager import upkeep
from tests.product import PATIENCE, Install, Product


@pytest.mark.journey
@pytest.mark.xdist_group("up")
def test_the_product_with_two_portal_processes_deletes_what_is_over_and_outlives_one_of_them(install: Install) -> None:
    product = install(APIM_UPKEEP_SECONDS="1", APIM_PORTAL_WORKERS="2").start()
    database = product.data / "apimanager.sqlite3"
    with closing(sqlite3.connect(database, timeout=30)) as rows:
        rows.execute("INSERT INTO django_session VALUES ('a', 'b', '2001-01-01 00:00:00')")
        rows.commit()

        def is_gone() -> bool:
            return rows.execute("SELECT count(*) FROM django_session").fetchone() == (0,)

        product.wait_until(is_gone)
    product.wait_until(lambda: "Deleted what was over: sessions (1)." in product.log())
    product.wait_until(lambda: len(portals(product)) == 2)
    portals(product)[0].kill()
    product.wait_until(lambda: "ended (killed by SIGKILL); starting it again" in product.log())
    for _ in range(5):  # none is left to the socket of the dead one
        with urllib.request.urlopen(f"{product.portal}/ready", context=product.trust, timeout=PATIENCE) as answer:  # noqa: S310
            assert answer.status == 200
    product.wait_until(lambda: len(portals(product)) == 2)


def portals(product: Product) -> list[psutil.Process]:
    """The processes that listen at the portal's port."""
    port = int(product.settings["APIM_PORTAL_PORT"])
    found = []
    for process in product.processes():
        with suppress(psutil.Error):  # it has gone by now
            if any(each.status == "LISTEN" and each.laddr.port == port for each in process.net_connections("tcp")):
                found.append(process)
    return found


def test_it_looks_again_after_a_database_that_was_away_and_says_so_once(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPKEEP_SECONDS = 0.001
    done, looks = threading.Event(), iter([OperationalError("away")] * 3)

    def run(*, asked: bool = False) -> None:
        for error in looks:
            raise error
        done.set()

    monkeypatch.setattr(upkeep, "run", run)
    with caplog.at_level(logging.WARNING):
        stop = upkeep.start()
        assert done.wait(30)
        stop.set()
    assert [record.getMessage() for record in caplog.records] == ["What is over cannot be deleted now: away"]


def test_zero_leaves_it_to_the_command(settings: LazySettings) -> None:
    settings.UPKEEP_SECONDS = 0
    before = threading.active_count()
    upkeep.start()
    assert threading.active_count() == before
