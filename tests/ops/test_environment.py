"""What the tests stand on."""

from pathlib import Path

from django.conf import settings
from django.db import connection

from accounts.models import User
from accounts.roles import Role


def test_the_tests_never_touch_the_checkouts_own_data() -> None:
    assert Path(settings.BASE_DIR, "var") not in [settings.DATA_DIR, *settings.DATA_DIR.parents]


def test_each_of_the_cast_holds_exactly_the_one_role(alice: User, bob: User, carol: User, mallory: User) -> None:
    held = [person.roles for person in (alice, bob, carol, mallory)]
    assert held == [{Role.CREATOR}, {Role.PUBLISHER}, {Role.SUBSCRIBER}, {Role.SUBSCRIBER}]


def test_sqlite_runs_as_it_does_in_production(db: None) -> None:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)
