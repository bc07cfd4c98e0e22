"""The standing cast, for every test that touches the database."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections, transaction
from django.test import TransactionTestCase, client
from hypothesis import HealthCheck, settings

from accounts import installation
from accounts.models import InstallationSettings, RoleGrant, User
from accounts.roles import Role
from gateway.connections.board import board_of
from tests.product import prepare

PASSWORD = "correct horse battery staple"

# How fast a machine is says nothing about the code: no test fails because its neighbours are busy.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


MADE_BY_MIGRATE = {"django_content_type", "auth_permission"}  # nobody changes them


def leave_no_rows(case: TransactionTestCase) -> None:
    """Delete what a test has committed. Django truncates a hundred tables instead, and makes those rows anew."""
    for name in case._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        database = connections[name]
        known = set(database.introspection.django_table_names(only_existing=True, include_views=False))
        tables = [database.ops.quote_name(table) for table in sorted(known - MADE_BY_MIGRATE)]
        with database.constraint_checks_disabled(), transaction.atomic(using=name), database.cursor() as cursor:
            if database.vendor == "postgresql":
                cursor.execute("SET LOCAL session_replication_role = replica")  # what rows refer to goes with them
                cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")  # who still writes, is waited for
            for table in tables:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608  names of our own


TransactionTestCase._fixture_teardown = leave_no_rows  # type: ignore[attr-defined]


_keep = client.store_rendered_templates  # type: ignore[attr-defined]


def keep_what_the_page_was_given(store: dict[str, Any], **sent: Any) -> None:
    """Have `response.context` be the page's own; Django copies what each of its hundred components was given, too."""
    if "context" not in store:
        _keep(store, **sent)


client.store_rendered_templates = keep_what_the_page_was_given  # type: ignore[attr-defined]


def pytest_configure() -> None:
    """Obey Ctrl-C also in the background of a shell, which has its children ignore it, and they theirs."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while tests are collected: an eighth of the time, and there is none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests that live to the end: a twentieth of the whole run.

    What garbage there is stays with them: to look for it takes longer than it is worth.
    """
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--touching-the-database` leaves out what another database cannot change."""
    parser.addoption("--touching-the-database", action="store_true", help="run only tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what asks for the database, by a fixture or a mark, if only that is wanted."""
    if not config.getoption("--touching-the-database"):
        return
    kept = [item for item in items if touches_the_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def touches_the_database(item: pytest.Item) -> bool:
    """Whether a test has pytest-django's mark, or one of its fixtures behind one of its own."""
    fixtures = {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


@pytest.fixture(scope="session")
def prepared() -> Path:
    """The data folder of an installation that was never started, made once for all test runs of the same code."""
    return prepare()


@pytest.fixture(autouse=True)
def _forgotten_attempts() -> Iterator[None]:
    """No test is throttled or shown what another one has done, nor asks for settings that nobody has changed."""
    cache.set(installation.KEY, InstallationSettings(), None)
    yield
    cache.clear()
    board_of.cache_clear()


@pytest.fixture
def alice(db: None) -> User:
    """A creator: designs APIs, may not publish them."""
    return _person("alice", Role.CREATOR)


@pytest.fixture
def bob(db: None) -> User:
    """A publisher: moves lifecycles and attaches plans, may not edit designs."""
    return _person("bob", Role.PUBLISHER)


@pytest.fixture
def carol(db: None) -> User:
    """A developer: owns applications and subscribes."""
    return _person("carol", Role.SUBSCRIBER)


@pytest.fixture
def mallory(db: None) -> User:
    """A stranger: a developer who owns nothing that the others have."""
    return _person("mallory", Role.SUBSCRIBER)


@pytest.fixture
def observer(db: None) -> User:
    """May read everything in the Publisher and change nothing."""
    return _person("oscar", Role.OBSERVER)


@pytest.fixture
def admin(db: None) -> User:
    """May do everything."""
    return _person("admin", Role.ADMIN)


def _person(name: str, *roles: Role) -> User:
    user = User.objects.create_user(name, f"{name}@example.test", PASSWORD)
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role) for role in roles)
    return user
