"""Twins of earlier days: both stay, the younger is renamed and reported, and the new constraints hold."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from tests.publisher.builders import NOW

BEFORE = [
    ("accounts", "0004_user_session_round"),
    ("publisher", "0003_plan_quota_may_pass"),
    ("devportal", "0001_initial"),
]
UNIQUE = "_names_are_unique"
AFTER = [("accounts", f"0006{UNIQUE}"), ("publisher", f"0005{UNIQUE}"), ("devportal", f"0003{UNIQUE}")]


@pytest.fixture
def database(db: None, settings: Any, tmp_path: Path) -> Iterator[str]:
    """The alias of an empty database: to take that of the tests back through all releases takes ten times as long."""
    settings.MIGRATION_MODULES = {}  # which the tests otherwise leave aside
    # Not among the settings: a test may open connections of its own.
    own = {**connection.settings_dict, "NAME": str(tmp_path / "before.sqlite3"), "ATOMIC_REQUESTS": False}
    with ExitStack() as stack:
        if connection.vendor == "postgresql":
            own["NAME"] = f"{connection.settings_dict['NAME']}_before"
            server = stack.enter_context(connection._nodb_cursor())
            server.execute(f"CREATE DATABASE {own['NAME']}")
            stack.callback(server.execute, f"DROP DATABASE {own['NAME']}")
        connections["before"] = type(connections["default"])(own, alias="before")
        stack.callback(connections.__delitem__, "before")
        stack.callback(connections["before"].close)
        yield "before"


def migrate(alias: str, targets: list[tuple[str, str]]) -> Any:
    """The models as they are there."""
    MigrationExecutor(connections[alias]).migrate(targets)
    return MigrationExecutor(connections[alias]).loader.project_state(targets).apps


def test_twins_stay_and_the_younger_are_renamed_and_reported(database: str, caplog: pytest.LogCaptureFixture) -> None:
    old = migrate(database, BEFORE)

    def make(model: str, **values: Any) -> Any:
        return old.get_model(model).objects.using(database).create(**values)

    older, younger = (make("accounts.User", username=name, date_joined=NOW) for name in ("Cédric", "Ｃédric"))
    hours = (NOW + timedelta(hours=number) for number in count())

    def made() -> dict[str, Any]:
        at = next(hours)
        return {"created_at": at, "updated_at": at}

    for name, context, version in [("Öko", "/a", "1"), ("Ökｏ", "/b", "1"), ("Öko", "/a", "2"), ("Ökｏ", "/b", "3")]:
        make("publisher.Api", name=name, context=context, version=version, provider=older, tags=["Öl"], **made())
    plan = make("devportal.ApplicationPlan", name="Any", display_name="Any")
    for name, owner in [("Äpp", older), ("Äｐp", older), ("äpp", younger)]:
        make("devportal.Application", name=name, owner=owner, plan=plan, **made())

    with caplog.at_level(logging.WARNING, logger="apimanager.migrations"):
        new = migrate(database, AFTER)

    def column(model: str, *names: str) -> list[Any]:
        return list(new.get_model(model).objects.using(database).order_by("pk").values_list(*names))

    assert column("accounts.User", "username", "username_key") == [("Cédric", "cédric"), ("Ｃédric-2", "cédric-2")]
    apis = sorted(column("publisher.Api", "context", "version", "name", "name_key", "tags_key"))
    assert apis == [
        ("/a", "1", "Öko", "öko", "\nöl\n"),
        ("/a", "2", "Öko", "öko", "\nöl\n"),
        ("/b", "1", "Ökｏ-2", "öko-2", "\nöl\n"),
        ("/b", "3", "Ökｏ-2", "öko-2", "\nöl\n"),
    ]
    assert sorted(column("devportal.Application", "name", "owner")) == sorted(
        [("Äpp", older.pk), ("Äｐp-2", older.pk), ("äpp", younger.pk)]
    )
    told = [(entry[0], entry[1]["renamed_from"]) for entry in column("core.AuditEntry", "verb", "detail")]
    assert sorted(told) == sorted(
        [("user.updated", "Ｃédric"), ("api.updated", "Ökｏ"), ("api.updated", "Ökｏ"), ("application.updated", "Äｐp")]
    )
    assert "Ｃédric is called Ｃédric-2 from now on" in caplog.text

    old = migrate(database, [("publisher", "0006_plans_limit_applications"), ("devportal", "0007_token_rates")])
    for model in ("devportal.Application", "devportal.ApplicationPlan", "core.AuditEntry"):
        old.get_model(model).objects.using(database).all().delete()
    names = ["Öko", "Gold", "Öｋｏ", "Öｋo", "Öko-2"]
    for model in ("publisher.Plan", "devportal.ApplicationPlan"):
        for name in names:
            old.get_model(model).objects.using(database).create(name=name, display_name=name)
    with caplog.at_level(logging.WARNING, logger="apimanager.migrations"):
        new = migrate(
            database, [("publisher", "0008_plan_names_are_unique"), ("devportal", "0009_plan_names_are_unique")]
        )
    for model in ("publisher.Plan", "devportal.ApplicationPlan"):
        rows = new.get_model(model).objects.using(database).order_by("pk").values_list("name", "name_key")
        assert list(rows) == [
            ("Öko", "öko"),
            ("Gold", "gold"),
            ("Öｋｏ-3", "öko-3"),
            ("Öｋo-4", "öko-4"),
            ("Öko-2", "öko-2"),
        ]
    entries = new.get_model("core.AuditEntry").objects.using(database).order_by("pk")
    assert sorted((entry.verb, entry.detail["renamed_from"]) for entry in entries) == [
        ("applicationplan.updated", "Öｋo"),
        ("applicationplan.updated", "Öｋｏ"),
        ("plan.updated", "Öｋo"),
        ("plan.updated", "Öｋｏ"),
    ]
    assert "Öｋｏ is called Öｋｏ-3 from now on" in caplog.text
