"""How many connections are open, counted by whom they belong to."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from devportal import token_use
from gateway.connections.heartbeat import STALE_SECONDS
from gateway.connections.queries import last_opened_with, live_by
from gateway.models import ConnectionRecord, WorkerRecord

NOW = timezone.now()


def worker(seconds_ago: float) -> uuid.UUID:
    seen = timezone.now() - timedelta(seconds=seconds_ago)
    return WorkerRecord.objects.create(host="h", pid=1, started_at=seen, seen_at=seen).pk


def opened(on: uuid.UUID, application: str, number: int = 1, **given: object) -> None:
    fields: dict[str, object] = {"api_id": "api", "key_type": "PRODUCTION", "expires_at": NOW, "started_at": NOW}
    named = {"application_id": application, "token_id": str(number)}
    ConnectionRecord.objects.create(id=uuid.uuid4().hex, worker_id=on, **named, **{**fields, **given})


@pytest.mark.django_db
def test_open_connections_are_counted_by_application_and_by_token_on_workers_that_live() -> None:
    living, gone = worker(1), worker(STALE_SECONDS + 5)
    opened(living, "one")
    opened(living, "one", 2, key_type="SANDBOX")
    opened(living, "two")
    opened(living, "two", ended_at=NOW)
    opened(living, "three", api_id="another")
    opened(gone, "four")
    assert live_by("application_id", api_id="api") == {"one": 2, "two": 1}
    assert live_by("application_id", api_id="api", key_type="PRODUCTION") == {"one": 1, "two": 1}
    assert live_by("token_id", application_id="one") == {"1": 1, "2": 1}
    assert live_by("api_id", application_id="nobody") == {}
    assert live_by("api_id", different="application_id", api_id__in=["api"]) == {"api": 2}


@pytest.mark.django_db
def test_a_token_was_last_used_when_its_latest_connection_was_opened(django_assert_num_queries: Any) -> None:
    on = worker(1)
    earlier = NOW - timedelta(hours=1)
    opened(on, "one", 1, started_at=earlier)
    opened(on, "one", 1, started_at=NOW, ended_at=NOW)
    opened(on, "one", 2, started_at=earlier)
    opened(on, "one", 3)
    with django_assert_num_queries(1):
        assert last_opened_with(["1", "2", "4"]) == {"1": NOW, "2": earlier}


def test_the_portal_is_told_of_it() -> None:
    assert last_opened_with in token_use.readers
