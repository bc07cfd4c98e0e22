"""A pytest plugin: a run fails where the product has SQL or locks of its own that it has not sent to the database.

`python -m tests.postgresql` runs the tests that `postgresql.txt` names with it, so that what is written by hand for the
database is tried on PostgreSQL as well, whoever wrote it and whatever the list says.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from tests.environment import ROOT
from tests.product import ROOMS

OWN_WORDS = {"cursor", "raw", "select_for_update", "ignore_conflicts", "update_conflicts"}
ELSEWHERE = {"apimanager/portal/application.py:_readiness"}  # in a process: tests/ops/test_silent_database.py


class Questions:
    """The functions that were under way when something was asked of the database."""

    def __init__(self) -> None:
        self._codes: set[CodeType] = set()
        connection_created.connect(self.listen)

    def listen(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        """To this connection, as to all that are opened."""
        if self.note not in connection.execute_wrappers:
            connection.execute_wrappers.insert(0, self.note)  # before those that tests add and take away at the end

    def note(self, execute: Callable[..., Any], *asked: Any) -> Any:
        """Keep whose question it is, and let it through."""
        frame: FrameType | None = sys._getframe()
        while frame := frame and frame.f_back:
            self._codes.add(frame.f_code)
        return execute(*asked)

    def missing(self) -> set[str]:
        """What has SQL or locks of its own and was not under way."""
        sent = {f"{code.co_filename.removeprefix(f'{ROOT}/')}:{code.co_qualname}" for code in self._codes}
        return with_own_sql() - sent - ELSEWHERE

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Not as good as passed."""
        if session.exitstatus == pytest.ExitCode.OK and self.missing():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what to do."""
        for each in sorted(self.missing()) if terminalreporter.stats.get("passed") else ():
            terminalreporter.write_line(f"No test sent the SQL of {each}: name one that does in tests/postgresql.txt.")


def pytest_configure(config: pytest.Config) -> None:
    """Listen from the first connection on. Of several processes (`-n`) none would hear everything."""
    if not config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Questions())


def with_own_sql(root: Path = ROOT) -> set[str]:
    """The product's functions with SQL, locks or conflicts of their own, as `path:name`."""
    found = set()
    for path in (path for room in ROOMS for path in (root / room).rglob("*.py") if "migrations" not in path.parts):
        text = path.read_text("utf-8")
        if re.search("|".join(OWN_WORDS), text):
            found |= {
                f"{path.relative_to(root)}:{name}" for name, node in _functions(ast.parse(text)) if _has_own(node)
            }
    return found


def _functions(node: ast.AST, within: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Each function in it by its qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{within}{child.name}", child
            yield from _functions(child, f"{within}{child.name}.<locals>.")
        else:
            yield from _functions(child, f"{within}{child.name}." if isinstance(child, ast.ClassDef) else within)


def _has_own(node: ast.AST) -> bool:
    for each in ast.walk(node):
        match each:
            case ast.Call(func=ast.Attribute(attr=name)) | ast.keyword(arg=str(name)) if name in OWN_WORDS:
                return True
    return False
