"""An installation moves from one database into another: every row of every model, and what comes after them."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import environ
import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import models, transaction
from django.db.migrations.recorder import MigrationRecorder

from accounts.models import User
from apimanager import copying
from apimanager.copying import SOURCE, CannotCopy
from core.models import AuditEntry

pytestmark = pytest.mark.django_db

LAST_ID = 4_000_000
SPECIAL: dict[str, Any] = {
    "accounts.User.username": "zoë",
    "auth.Permission.codename": "fly",
    "devportal.ApplicationAttribute.is_hidden": False,  # for it is asked for
}


@pytest.fixture
def full(prepared: Path, tmp_path: Path) -> Iterator[Path]:
    """A SQLite file with what a first start makes and a row of every model, at hand as the source."""
    path = tmp_path / "full.sqlite3"
    shutil.copy(prepared / "apimanager.sqlite3", path)
    with copying.source(environ.Env.db_url_config(f"sqlite:///{path}")):
        with transaction.atomic(SOURCE):
            for model in copying.stored():
                row = model(**{field.attname: value_of(field) for field in model._meta.concrete_fields})
                query: Any = models.QuerySet(model)
                query._insert([row], fields=model._meta.concrete_fields, using=SOURCE, raw=True)
        yield path


def value_of(field: models.Field[Any, Any]) -> Any:
    """Something that can stand in a column, the same each time; of a key, what the row that it names has."""
    if isinstance(field, models.ForeignKey):
        return value_of(field.target_field)
    if f"{field.model._meta.label}.{field.name}" in SPECIAL:
        return SPECIAL[f"{field.model._meta.label}.{field.name}"]
    if field.name == "resource":  # the toolkit's own kind of field
        return ["https://example.com/"]
    match field:
        case models.UUIDField():
            return uuid.UUID(int=7)
        case models.JSONField():
            return {"größe": [1, None, "١"]}
        case models.DateTimeField():
            return datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
        case models.BinaryField():
            return b"\x00\xff"
        case models.BooleanField():
            return True
        case models.FloatField():
            return 1.5
        case models.PositiveSmallIntegerField():
            return 4  # also a number of stars
        case models.IntegerField() if field.primary_key:
            return LAST_ID
        case models.IntegerField():
            return 3
        case models.GenericIPAddressField():
            return "2001:db8::1"
        case _:
            return "ü٣"[: field.max_length]


def rows_of(model: type[models.Model], alias: str) -> list[tuple[Any, ...]]:
    names = [field.attname for field in model._meta.concrete_fields]
    return [
        tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
        for row in model._base_manager.using(alias).order_by("pk").values_list(*names)
    ]


def test_every_row_of_every_model_arrives_as_it_was_and_ids_go_on_after_the_last(full: Path) -> None:
    before = {model: rows_of(model, SOURCE) for model in copying.stored()}
    assert all(before.values())
    number = copying.copy(lambda line: None)
    assert number == sum(map(len, before.values()))
    for model, rows in before.items():
        assert rows_of(model, "default") == rows, model
    with transaction.atomic():
        entry = AuditEntry.objects.create(at=datetime.now(UTC), actor_name="x", verb="x.y", kind="x", object_id="1")
    assert entry.pk > LAST_ID


def test_nothing_is_lost_where_a_row_cannot_be_copied_and_the_sentence_names_it(
    full: Path, monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    insert = copying.insert

    def refuse(rows: list[models.Model]) -> None:
        if any(isinstance(row, User) and row.pk == LAST_ID for row in rows):
            raise ValueError("a NUL character\nin it")
        insert(rows)

    monkeypatch.setattr(copying, "insert", refuse)
    with pytest.raises(CannotCopy) as refused:
        copying.copy(lambda line: None)
    expected = f"accounts.User {LAST_ID} cannot be copied (a NUL character in it). Correct it, then try again."
    assert str(refused.value) == expected
    assert User.objects.get() == alice


def test_only_an_installation_of_this_release_goes_into_a_database_without_one(
    full: Path, monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _: {})
    with pytest.raises(CannotCopy, match="an installation in this database already"):
        copying.check()
    alice.delete()
    copying.check()
    applied = {"default": {("core", "0001"): 1}, SOURCE: {}}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda own: applied[own.connection.alias])
    with pytest.raises(CannotCopy, match="of another release"):
        copying.check()


def test_what_is_no_database_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CannotCopy, match="There is no file"):
        call_command("copy_database", str(tmp_path / "none.sqlite3"))
    (tmp_path / "text").write_text("This is a letter, not a database, and a long one at that: " * 20)
    with (
        pytest.raises(CannotCopy, match="cannot be read"),
        copying.source(environ.Env.db_url_config(f"sqlite:///{tmp_path / 'text'}")),
    ):
        copying.check()


def test_raw_rows_bring_no_entry_of_the_audit_log_with_them(full: Path) -> None:
    from oauth2_provider.models import AccessToken

    copying.copy(lambda line: None)
    fixture = serializers.serialize("json", AccessToken.objects.all())
    AccessToken.objects.all()._raw_delete("default")
    before = AuditEntry.objects.count()
    for row in serializers.deserialize("json", fixture):
        row.save()
    assert AccessToken.objects.count() == 1
    assert AuditEntry.objects.count() == before
