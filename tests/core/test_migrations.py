"""The audit log changed rooms. Its table, which holds every installation's history, did not move."""

from importlib import import_module

import pytest
from django.db.migrations import SeparateDatabaseAndState

from core.models import AuditEntry


@pytest.mark.parametrize("name", ["core.migrations.0001_initial", "accounts.migrations.0002_audit_log_in_core"])
def test_moving_the_audit_log_asks_nothing_of_the_database(name: str) -> None:
    operations = import_module(name).Migration.operations

    assert operations
    assert all(isinstance(each, SeparateDatabaseAndState) and not each.database_operations for each in operations)


def test_the_audit_log_keeps_its_table() -> None:
    assert AuditEntry._meta.db_table == "accounts_trailentry"
