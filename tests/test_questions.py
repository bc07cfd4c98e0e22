"""SQL of our own is found in the product's text, and seen when it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from accounts.models import User
from core import rows
from core.errors import DomainError
from tests.postgresql import CHOSEN
from tests.questions import Questions, with_own_sql

SOURCE = """
class Store:
    def held(self):
        return Row.objects.select_for_update().get()

    def read(self):
        return Row.objects.get()

def ask():
    def run():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    return run()

async def keep(rows):
    Row.objects.bulk_create(rows, ignore_conflicts=True)
"""


def test_sql_and_locks_of_our_own_are_found_by_the_names_of_their_functions(tmp_path: Path) -> None:
    room = tmp_path / "core"
    (room / "migrations").mkdir(parents=True)
    (room / "migrations" / "0001_initial.py").write_text(SOURCE)
    (room / "rows.py").write_text(SOURCE)

    found = {each.removeprefix("core/rows.py:") for each in with_own_sql(tmp_path)}

    assert found == {"Store.held", "ask", "ask.<locals>.run", "keep"}


@pytest.mark.parametrize("line", [line for line in CHOSEN.read_text("utf-8").splitlines() if "::" in line])
def test_a_test_that_is_chosen_is_there(line: str) -> None:
    path, name = line.split("::")
    assert f"def {name}(" in (CHOSEN.parent.parent / path).read_text("utf-8")


def test_what_is_sent_is_missing_no_longer(alice: User) -> None:
    questions = Questions()
    questions.listen(connection)
    assert "core/rows.py:lock" in questions.missing()

    rows.lock(alice, gone=lambda: DomainError("Gone."))
    connection.execute_wrappers.remove(questions.note)

    assert "core/rows.py:lock" not in questions.missing()
