"""Claims on rows: one that is gone, one that is taken, and one that is held."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core import rows
from core.errors import Conflict
from publisher.models import Plan


class Gone(Conflict):
    """It was deleted."""


class Taken(Conflict):
    """There is one like it."""


@pytest.fixture
def plan(db: None) -> Plan:
    return Plan.objects.create(name="Tin", display_name="Tin")


def test_a_locked_row_is_as_it_is_now_and_not_as_it_was_read(plan: Plan) -> None:
    Plan.objects.update(display_name="Pewter")
    with transaction.atomic():
        assert rows.lock(plan, gone=Gone).display_name == "Pewter"
    assert plan.display_name == "Tin"


def test_a_row_that_was_deleted_is_refused_in_the_words_of_whoever_asked(plan: Plan) -> None:
    Plan.objects.all().delete()
    with transaction.atomic(), pytest.raises(Gone):
        rows.lock(plan, gone=Gone)


@pytest.mark.parametrize(("no_key", "words"), [(True, "FOR NO KEY UPDATE"), (False, "FOR UPDATE")])
def test_where_the_database_locks_rows_the_row_is_held(plan: Plan, no_key: bool, words: str) -> None:
    if not connection.features.has_select_for_update:
        words = 'WHERE "publisher_plan"."id" ='  # SQLite has one writer: the transaction itself holds everything
    with (
        transaction.atomic(),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        rows.lock(plan, gone=Gone, no_key=no_key)
    assert any(words in query["sql"] for query in asked)


def test_a_second_row_of_its_kind_is_refused_and_the_transaction_goes_on(plan: Plan) -> None:
    with transaction.atomic():
        with pytest.raises(Taken):
            rows.save(Plan(name="TIN", display_name="Tin again"), taken=Taken)
        rows.save(Plan(name="Zinc", display_name="Zinc"), taken=Taken)
    assert set(Plan.objects.values_list("name", flat=True)) == {"Tin", "Zinc"}


def test_a_row_that_is_saved_comes_back_with_its_id(db: None) -> None:
    assert rows.save(Plan(name="Zinc", display_name="Zinc"), taken=Taken).pk
