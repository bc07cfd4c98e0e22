"""What is tested on the extension's own loop is left out where it could not be built, what crosses where it cannot."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec

import pytest

from gateway import native
from gateway.native.loop import NativeLoop
from tests.conformance.length import IS_LONG
from tests.wire.conftest import certificate

__all__ = ["certificate"]

CAN_CROSS = IS_LONG and find_spec("ziglang") and shutil.which("apt-get")

collect_ignore = [
    *(["test_closing.py", "test_engine.py"] if native.REASON else []),
    *([] if CAN_CROSS else ["test_wheels_at_length.py"]),
]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of the extension."""
    return {"engine": NativeLoop}
