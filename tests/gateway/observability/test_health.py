"""How APIs fare, put together from what all workers wrote down."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from gateway.models import BreakerRecord, ConnectionRecord, RefusalRecord
from gateway.observability.health import health_of
from tests.gateway import builders

NOW = datetime.fromtimestamp(builders.NOW, UTC)
SINCE = NOW - timedelta(hours=1)


def refused(api: str, at: datetime, code: int, times: int = 1) -> None:
    RefusalRecord.objects.create(
        request_id="a", api_id=api, at=at, times=times, status=502, code=code, message="m", description=f"Why {code}."
    )


def opened(api: str, at: datetime) -> None:
    ConnectionRecord.objects.create(
        id=uuid.uuid4().hex, worker_id=uuid.uuid4(), api_id=api, started_at=at, expires_at=at
    )


@pytest.mark.django_db
def test_the_last_hour_of_each_api_is_told_apart() -> None:
    opened("one", NOW)
    opened("one", NOW - timedelta(minutes=10))
    opened("one", NOW - timedelta(minutes=61))
    refused("one", NOW - timedelta(minutes=2), 101503, times=40)
    refused("one", NOW - timedelta(minutes=1), 101503, times=2)
    refused("one", NOW, 900901)
    refused("one", NOW - timedelta(minutes=61), 900901)
    refused("two", NOW, 900906)
    BreakerRecord.objects.create(
        key=hashlib.sha256(b"x").hexdigest(), address="two ws://b:1/", failures=3, until=builders.NOW + 30, changed_at=1
    )
    known = health_of(["one", "two", "three"], SINCE, NOW)
    one, two, three = known["one"], known["two"], known["three"]
    assert (one.opened, one.last_opened, one.refused) == (2, NOW, 43)
    assert [(each.sentence, each.times, each.is_backend) for each in one.refusals] == [
        ("Why 900901.", 1, False),
        ("Why 101503.", 42, True),
    ]
    assert [(each.address, each.failures, each.until) for each in two.troubles] == [
        ("ws://b:1/", 3, NOW + timedelta(seconds=30))
    ]
    assert (three.opened, three.refused, three.troubles) == (0, 0, [])
