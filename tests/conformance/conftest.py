"""Which of the two ways of testing conformance run here: Autobahn where a Python 2.7 is found, transcripts always."""

from __future__ import annotations

from tests.conformance import autobahn
from tests.wire.conftest import certificate, pytest_asyncio_loop_factories

__all__ = ["certificate", "pytest_asyncio_loop_factories"]

collect_ignore = [] if autobahn.find_python() else ["test_autobahn.py"]
