"""The live registry over REST: who is connected to all workers, who was, and closing one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from core.models import AuditEntry
from devportal.models import Application
from gateway.models import ConnectionRecord
from publisher.models import Api
from tests.devportal import builders
from tests.gateway.rows import open_connection, worker
from tests.publisher.builders import make_api, plans

CONNECTIONS = "/api/am/gateway/v1/connections"

SignedIn = Callable[[User], Client]


@pytest.fixture
def connection(alice: User, carol: User) -> ConnectionRecord:
    """Carol's connection to Alice's API."""
    plans()
    return open_connection(builders.application(carol, name="Chat client"), make_api(alice))


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["connectionId"] for each in answer.json()["list"]]


def test_an_open_connection_says_who_where_and_what_passed(
    connection: ConnectionRecord, bob: User, signed_in: SignedIn
) -> None:
    ConnectionRecord.objects.update(messages_in=1, bytes_in=2, messages_out=3, bytes_out=4)
    found = signed_in(bob).get(f"{CONNECTIONS}/{connection.pk}").json()
    assert [found[name] for name in ("apiName", "apiContext", "apiVersion")] == [
        "EchoWebSocket",
        "/echowebsocket",
        "1.0.0",
    ]
    assert [found[name] for name in ("applicationName", "subscriber", "throttlingPolicy")] == [
        "Chat client",
        "carol",
        "Gold",
    ]
    assert [found[f"{what}{way}"] for way in ("In", "Out") for what in ("messages", "bytes")] == [1, 2, 3, 4]
    assert (found["endedAt"], found["clientCode"], found["expiresSoon"]) == (None, None, False)


def test_the_list_is_narrowed_by_api_application_address_and_state(
    connection: ConnectionRecord, alice: User, carol: User, bob: User, signed_in: SignedIn
) -> None:
    other_application = builders.application(carol, name="Other")
    other = open_connection(other_application, make_api(alice, name="Other", context="/other"), client_ip="::1")
    ended = open_connection(
        Application.objects.get(pk=connection.application_id),
        make_api(alice, name="Third", context="/third"),
        ended_at=timezone.now(),
    )
    client = signed_in(bob)
    assert set(ids(client.get(CONNECTIONS))) == {connection.pk, other.pk}
    assert ids(client.get(CONNECTIONS, {"apiId": connection.api_id})) == [connection.pk]
    assert ids(client.get(CONNECTIONS, {"applicationId": other.application_id})) == [other.pk]
    assert ids(client.get(CONNECTIONS, {"clientIp": "::1"})) == [other.pk]
    assert ids(client.get(CONNECTIONS, {"state": "ended"})) == [ended.pk]
    assert len(ids(client.get(CONNECTIONS, {"state": "all"}))) == 3
    assert client.get(CONNECTIONS, {"state": "odd"}).status_code == 400


def test_a_row_that_a_dead_worker_left_is_not_open(
    connection: ConnectionRecord, bob: User, signed_in: SignedIn
) -> None:
    gone = worker(seen_at=timezone.now() - timedelta(minutes=5))
    ConnectionRecord.objects.update(worker_id=gone.pk)
    client = signed_in(bob)
    assert ids(client.get(CONNECTIONS)) == []
    assert client.delete(f"{CONNECTIONS}/{connection.pk}").status_code == 409


def test_developers_see_their_own_connections_and_nobody_elses(
    connection: ConnectionRecord, carol: User, mallory: User, signed_in: SignedIn
) -> None:
    assert ids(signed_in(carol).get(CONNECTIONS)) == [connection.pk]
    assert ids(signed_in(mallory).get(CONNECTIONS)) == []
    assert signed_in(mallory).get(f"{CONNECTIONS}/{connection.pk}").status_code == 404


def test_a_token_that_ends_soon_is_pointed_out(
    connection: ConnectionRecord, carol: User, signed_in: SignedIn, settings: LazySettings
) -> None:
    settings.TOKEN_WARNING_SECONDS = 7200
    assert signed_in(carol).get(f"{CONNECTIONS}/{connection.pk}").json()["expiresSoon"] is True


def test_closing_is_asked_for_in_the_audit_log_with_its_reason(
    connection: ConnectionRecord, bob: User, signed_in: SignedIn
) -> None:
    answer = signed_in(bob).delete(f"{CONNECTIONS}/{connection.pk}?reason=Maintenance%20at%20noon")
    assert answer.status_code == 202
    row = AuditEntry.objects.get(verb="connection.closed")
    assert (row.actor_name, row.object_id, row.detail["reason"]) == ("bob", connection.pk, "Maintenance at noon")
    assert (row.detail["api_id"], row.detail["application_id"]) == (connection.api_id, connection.application_id)


@pytest.mark.parametrize("reason", ["é" * 62, "two%0Alines"])
def test_a_reason_that_does_not_fit_into_a_close_frame_is_refused_at_its_field(
    connection: ConnectionRecord, bob: User, signed_in: SignedIn, reason: str
) -> None:
    answer = signed_in(bob).delete(f"{CONNECTIONS}/{connection.pk}?reason={reason}")
    assert answer.status_code == 400
    assert answer.json()["error"][0]["field"] == "reason"
    assert not AuditEntry.objects.filter(verb="connection.closed").exists()


def test_what_has_ended_cannot_be_closed(connection: ConnectionRecord, bob: User, signed_in: SignedIn) -> None:
    ConnectionRecord.objects.update(ended_at=timezone.now())
    assert signed_in(bob).delete(f"{CONNECTIONS}/{connection.pk}").status_code == 409


def test_all_that_match_are_closed_in_one_go_and_the_audit_log_names_each(
    connection: ConnectionRecord, alice: User, carol: User, bob: User, signed_in: SignedIn
) -> None:
    application = Application.objects.get(pk=connection.application_id)
    second = open_connection(application, Api.objects.get(pk=connection.api_id), client_ip="192.0.2.9")
    other = open_connection(application, make_api(alice, name="Other", context="/other"))
    client = signed_in(bob)
    assert client.post(f"{CONNECTIONS}/closings", {}, "application/json").status_code == 400
    answer = client.post(f"{CONNECTIONS}/closings", {"apiId": connection.api_id, "reason": "Noon"}, "application/json")
    assert (answer.status_code, answer.json()) == (202, {"count": 2})
    row = AuditEntry.objects.get(verb="connections.closed")
    assert set(row.detail["connections"]) == {connection.pk, second.pk}
    assert (row.object_id, row.detail["reason"]) == (connection.api_id, "Noon")
    mine = signed_in(carol).delete(f"{CONNECTIONS}/{other.pk}")
    assert mine.status_code == 202
    assert AuditEntry.objects.get(verb="connection.closed").detail["reason"].startswith("The owner of the application")


def test_an_api_is_drained_of_its_connections(connection: ConnectionRecord, bob: User, signed_in: SignedIn) -> None:
    body = {"apiId": connection.api_id, "seconds": 30}
    answer = signed_in(bob).post(f"{CONNECTIONS}/drains", body, "application/json")
    assert (answer.status_code, answer.json()) == (202, {"count": 1})
    row = AuditEntry.objects.get(verb="connections.drained")
    assert (row.object_id, row.detail["seconds"], row.detail["connections"]) == (connection.api_id, 30.0, 1)
