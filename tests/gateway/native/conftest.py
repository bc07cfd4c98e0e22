"""What is tested on the extension's own loop is left out where the extension could not be built."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from gateway import native
from gateway.native.loop import NativeLoop
from tests.wire.conftest import certificate

__all__ = ["certificate"]

collect_ignore = ["test_engine.py"] if native.REASON else []


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of the extension."""
    return {"engine": NativeLoop}
