"""Two machines that are prepared at once: the second waits for the first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connections

from accounts.models import User
from apimanager import bootstrap
from tests.environment import PATIENCE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def another_at_work() -> Iterator[threading.Event]:
    """Another process's connection has the lock until the event is set."""
    begun, end = threading.Event(), threading.Event()

    def hold() -> None:
        with bootstrap.alone(lambda: None):
            begun.set()
            end.wait(PATIENCE)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert begun.wait(PATIENCE)
    try:
        yield end
    finally:
        end.set()
        thread.join(PATIENCE)


@pytest.mark.django_db(transaction=True)
def test_a_setup_waits_for_another_one_and_says_so() -> None:
    said: list[str] = []
    with another_at_work() as end:

        def say(sentence: str) -> None:
            said.append(sentence)
            assert not User.objects.exists()
            end.set()

        bootstrap.prepare_database(NOW, say)

    assert said == ["Another setup is at work on the database; waiting for it …"]
    assert User.objects.get().username == "admin"


@pytest.mark.django_db(transaction=True)
def test_a_setup_that_fails_lets_the_next_one_begin() -> None:
    with pytest.raises(ZeroDivisionError), bootstrap.alone(lambda: None):
        raise ZeroDivisionError
    with another_at_work():
        pass
