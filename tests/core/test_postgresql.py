"""A question that PostgreSQL does not answer in time fails, and takes its connection along."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connection

from apimanager.preflight import postgresql_timeouts
from core.outage import DatabaseSilent
from core.postgresql import deadline


@pytest.fixture
def impatient() -> Iterator[None]:
    before = deadline.seconds
    deadline.answer_within(0.2)
    yield
    deadline.seconds = before


@pytest.mark.usefixtures("transactional_db", "impatient")
def test_an_answer_that_does_not_come_is_not_waited_for_and_the_next_is_another_connection_s() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("a file does not fall silent")
    with connection.cursor() as cursor, pytest.raises(OperationalError) as raised:
        cursor.execute("SELECT pg_sleep(30)")
    assert isinstance(raised.value.__cause__, DatabaseSilent)
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")
        assert cursor.fetchone() == (True,)


def test_libpq_and_the_kernel_are_told_to_give_up_in_time() -> None:
    found = postgresql_timeouts(connect=5, silence=10)
    assert (found["connect_timeout"], found["tcp_user_timeout"]) == (5, 10_000)
    assert found["keepalives_idle"] + found["keepalives_interval"] * found["keepalives_count"] <= 10
    psycopg.conninfo.make_conninfo("", **found)  # raises for a name that libpq does not know
    assert "tcp_user_timeout" not in postgresql_timeouts(connect=5, silence=0)
