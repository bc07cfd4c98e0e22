"""What the tests of quotas have in common: relays are told the time by the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway import metering_world


@pytest.fixture(autouse=True, scope="package")
def _time_as_the_test_says() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.relay.side.time", metering_world.now)
        yield
