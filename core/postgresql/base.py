"""A connection to PostgreSQL on which every question is answered in time or fails with `DatabaseSilent`.

The kernel's timeouts (`tcp_user_timeout`, keep-alive) notice a machine or a way to it that is gone. A server process
that was stopped, or something in between that takes all and answers nothing, is noticed only by who waits for answers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.errors import _WaitTimeout

from core.outage import DatabaseSilent
from core.postgresql import deadline


class NoAnswer(DatabaseSilent, psycopg.OperationalError):
    """The server is silent, in a shape that Django knows."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with connections that know how long they may wait."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.wait = partial(_wait, connection)  # all that psycopg waits for on a connection goes through this
        return connection


def _wait(connection: psycopg.Connection[Any], questions: Any, *given: Any, **named: Any) -> Any:
    if deadline.seconds and named.get("timeout") is None:
        named["timeout"] = deadline.seconds
    try:
        return psycopg.Connection.wait(connection, questions, *given, **named)
    except _WaitTimeout:
        connection.pgconn.finish()  # what comes late would be taken for the answer to the next question
        raise NoAnswer(f"no answer within {named['timeout']:g} seconds") from None
