"""The loop that the gateway's workers run on, a certificate, and the records of what went wrong unseen."""

from __future__ import annotations

from tests.conformance.length import IS_LONG
from tests.wire.conftest import certificate, pytest_asyncio_loop_factories

__all__ = ["certificate", "pytest_asyncio_loop_factories"]

collect_ignore = [] if IS_LONG else ["test_a_control_group.py"]  # it needs the right to make one
