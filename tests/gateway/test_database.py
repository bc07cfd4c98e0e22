"""The database thread: where work runs, and what happens to a connection that died."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from gateway import database
from gateway.control import plane
from gateway.control.plane import ControlPlane
from gateway.database import DatabaseThread, Places, WriteMark
from tests.environment import PATIENCE
from tests.gateway.scenario import elsewhere


@pytest.fixture
def run(transactional_db: None) -> Iterator[DatabaseThread]:
    thread = DatabaseThread("test-database")
    yield thread
    thread.close()


async def test_work_runs_on_one_thread_that_is_not_the_loops(run: DatabaseThread) -> None:
    threads = await asyncio.gather(*(run(threading.current_thread) for _ in range(3)))
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    assert threads[0].name.startswith("test-database")


async def test_a_connection_that_died_while_idle_is_replaced(run: DatabaseThread) -> None:
    held: list[object] = []

    def work() -> str:
        connection.ensure_connection()
        held.append(connection.connection)
        if len(held) == 1:
            raise OperationalError("the server closed the connection")
        return "answer"

    assert await run(work) == "answer"
    assert held[0] is not held[1]


async def test_a_database_that_is_away_is_reported_and_later_tried_afresh(run: DatabaseThread) -> None:
    tried = 0

    def fail() -> None:
        nonlocal tried
        tried += 1
        raise OperationalError("gone")

    with pytest.raises(OperationalError, match="gone"):
        await run(fail)
    assert tried == 2
    assert await run(lambda: connection.connection) is None


async def test_an_error_of_the_work_itself_is_raised_once(run: DatabaseThread) -> None:
    tried = 0

    def fail() -> None:
        nonlocal tried
        tried += 1
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await run(fail)
    assert tried == 1


async def test_closing_ends_the_thread_and_its_own_connection_only(transactional_db: None) -> None:
    thread = DatabaseThread("test-closing")

    def connect() -> object:
        connection.ensure_connection()
        return connection.connection

    theirs = await thread(connect)
    wrapper = await thread(lambda: connection._connections[connection._alias])  # type: ignore[attr-defined]
    assert wrapper.connection is theirs
    thread.close()
    assert wrapper.connection is None
    assert await elsewhere(connect) is not None
    assert not [each for each in threading.enumerate() if each.name.startswith("test-closing")]


async def test_a_connection_that_nobody_uses_is_closed_and_opened_again(transactional_db: None) -> None:
    thread = DatabaseThread("test-idle", idle=0.05)

    def connect() -> object:
        connection.ensure_connection()
        return connection._connections[connection._alias]  # type: ignore[attr-defined]

    try:
        for _ in range(2):
            wrapper = await thread(connect)
            async with asyncio.timeout(PATIENCE):
                while wrapper.connection is not None:  # type: ignore[attr-defined]
                    await asyncio.sleep(0.01)
    finally:
        thread.close()


@pytest.mark.parametrize(("redis_url", "others"), [("", 0), ("redis://127.0.0.1:1/0", 1)])
async def test_a_worker_holds_two_connections_to_the_database_at_most(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, others: int
) -> None:
    settings.REDIS_URL, settings.DATA_DIR = redis_url, tmp_path
    made: list[str] = []
    begin = DatabaseThread.__init__

    def count(self: DatabaseThread, name: str, **given: Any) -> None:
        made.append(name)
        begin(self, name, **given)

    monkeypatch.setattr(DatabaseThread, "__init__", count)
    ControlPlane()
    assert len(made) == 2 + others
    assert made[2:] == ["leases"] * others, "that asks Redis"


async def test_workers_hold_one_connection_each_while_no_new_token_comes(
    transactional_db: None, settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = settings.METRICS_FOLDER = tmp_path
    settings.GATEWAY_WORKERS = 3
    monkeypatch.setattr(plane, "IDLE_SECONDS", 0.3)
    made: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **_: object) -> None:
        if threading.current_thread().name.startswith("gateway-"):
            made.append(connection)

    def held() -> int:
        return sum(each.connection is not None for each in {id(each): each for each in made}.values())

    there = await elsewhere(others_on_the_server) if connection.vendor == "postgresql" else set()
    connection_created.connect(note)
    workers = [ControlPlane() for _ in range(3)]
    try:
        await asyncio.gather(*(each.start() for each in workers))
        await asyncio.gather(*(each.run(lambda: connection.ensure_connection()) for each in workers))
        is_shared = connection.vendor == "postgresql"
        assert held() == len(workers) + (1 if is_shared else len(workers))
        if is_shared:
            assert len(await elsewhere(others_on_the_server) - there) == held()
        async with asyncio.timeout(PATIENCE):
            while held() > len(workers):
                await asyncio.sleep(0.02)
        assert held() == len(workers)
        if connection.vendor == "postgresql":
            assert len(await elsewhere(others_on_the_server) - there) == len(workers)
    finally:
        connection_created.disconnect(note)
        await asyncio.gather(*(each.stop() for each in workers))


def others_on_the_server() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid, pg_backend_pid() FROM pg_stat_activity WHERE datname = current_database()")
        return {pid for pid, own in cursor.fetchall() if pid != own}


async def test_of_workers_that_share_places_half_have_a_second_connection_and_the_others_ask_over_their_first(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "FULL_SECONDS", 0.05)
    firsts = [DatabaseThread(f"first-{number}") for number in range(4)]
    seconds = [
        DatabaseThread(f"second-{number}", seconds=5, idle=0.2, places=Places(tmp_path / "places", 2), otherwise=first)
        for number, first in enumerate(firsts)
    ]

    def where() -> str:
        connection.ensure_connection()
        return threading.current_thread().name.partition("_")[0]

    try:
        asked_on = [await second(where) for second in seconds]
        assert asked_on == ["second-0", "second-1", "first-2", "first-3"]
        async with asyncio.timeout(PATIENCE):  # once a second is closed, its place is another's
            while await seconds[3](where) != "second-3":
                await asyncio.sleep(0.02)
    finally:
        for thread in (*seconds, *firsts):
            thread.close()
    taken = [place for place in (Places(tmp_path / "places", 25).take() for _ in range(50)) if place is not None]
    assert len(taken) == 25, "fifty workers hold seventy-five connections"
    for place in taken:
        os.close(place)


async def test_a_killed_server_connection_is_not_noticed_by_whoever_asks_next(run: DatabaseThread) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only a server can end a connection")

    def pid() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    def kill(doomed_pid: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [doomed_pid])

    first = await run(pid)
    await elsewhere(lambda: kill(first))
    assert await run(pid) != first


async def test_nobody_waits_longer_than_the_thread_s_deadline(transactional_db: None) -> None:
    thread, go = DatabaseThread("test-silent", seconds=0.05), threading.Event()
    try:
        asked = [asyncio.ensure_future(thread(go.wait)) for _ in range(3)]
        for each in asked:
            with pytest.raises(OperationalError, match="no answer within"):
                await each
        go.set()
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    assert await thread(lambda: "answer") == "answer"
                    break
                except OperationalError:
                    continue  # a machine that is busy
    finally:
        go.set()
        thread.close()


def test_the_mark_of_a_file_changes_with_what_others_write_and_when_it_is_replaced_and_not_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def database(name: str) -> sqlite3.Connection:
        made = sqlite3.connect(tmp_path / name, isolation_level=None)
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE what (is_written INTEGER)")
        return made

    monkeypatch.setattr(connection, "vendor", "sqlite")
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "one"))
    others, mark = database("one"), WriteMark()
    seen = mark.at_once()
    others.execute("SELECT * FROM what").fetchall()
    assert seen is not None
    assert mark.at_once() == mark.known() == seen
    others.execute("BEGIN IMMEDIATE")
    others.execute("INSERT INTO what VALUES (1)")
    assert mark.at_once() == seen  # nobody waits for who writes
    others.execute("COMMIT")
    later = mark.at_once()
    assert later not in (None, seen)
    database("two").close()
    (tmp_path / "two").replace(tmp_path / "one")
    assert mark.at_once() not in (None, seen, later)
    (tmp_path / "one").unlink()
    assert mark.at_once() is None
    others.close()
    mark.close()


def test_there_is_no_mark_where_the_database_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")
    monkeypatch.setitem(connection.settings_dict, "NAME", ":memory:")
    assert WriteMark().known() is None
