"""The loop that the gateway's workers run on, a certificate, and the records of what went wrong unseen."""

from __future__ import annotations

from tests.wire.conftest import certificate, pytest_asyncio_loop_factories

__all__ = ["certificate", "pytest_asyncio_loop_factories"]
