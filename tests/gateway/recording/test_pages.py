"""A publisher records and reads, the owner of the application sees it and may forbid it, strangers learn nothing."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, User
from core.models import AuditEntry
from devportal.models import Application, Subscription
from gateway.models import ConnectionRecord, RecordedMessage, Recording
from gateway.payloads.reading import UNREAD
from gateway.recording import operations
from publisher.models import Api
from tests.devportal import builders
from tests.gateway.rows import open_connection
from tests.publisher.builders import make_api, plans

REST = "/api/am/gateway/v1"
FORM = {"minutes": 5, "megabytes": 1}


@pytest.fixture
def connection(alice: User, carol: User) -> ConnectionRecord:
    """Carol's connection to Alice's API, under a subscription."""
    plans()
    api, application = builders.api(alice), builders.application(carol, name="Chat client")
    builders.subscription(application, api)
    return open_connection(application, api, topic="/rooms/{id}")


def page_of(connection: ConnectionRecord) -> str:
    return reverse("gateway:api-recordings", args=[connection.api_id])


def record(client: Client, of: ConnectionRecord, **given: Any) -> Recording:
    answer = client.post(page_of(of), {**FORM, "application": of.application_id, **given})
    assert answer.status_code == 302, answer.content
    return Recording.objects.latest("started_at")


def hold(recording: Recording, connection: ConnectionRecord) -> None:
    """Three messages, as a worker writes them."""
    said = [("client", True, b'{"n": 1}', ""), ("backend", False, b"\x00\xff", ""), ("backend", True, None, "no JSON")]
    for sender, is_text, payload, problem in said:
        RecordedMessage.objects.create(
            recording=recording,
            connection_id=connection.pk,
            at=timezone.now(),
            sender=sender,
            is_text=is_text,
            octets=len(payload or b""),
            payload=payload,
            problem=problem,
            fields=int(sender == "client"),
        )


def test_recording_is_in_the_audit_log_and_its_owner_is_told_and_may_end_it(
    connection: ConnectionRecord, bob: User, carol: User, client: Client
) -> None:
    client.force_login(bob)
    recording = record(client, connection)
    assert recording.until - recording.started_at == timedelta(minutes=5)
    assert AuditEntry.objects.get(verb="recording.started").detail["application"] == "Chat client"
    told = Notification.objects.get(user=carol)
    assert "records what Chat client sends and receives" in told.sentence
    client.force_login(carol)
    assert (
        b"Its messages are recorded now"
        in client.get(reverse("devportal:application", args=[connection.application_id])).content
    )
    assert b"On now" in client.get(told.link).content
    ending = reverse("gateway:application-recording-endings", args=[connection.application_id, recording.pk])
    for _ in range(2):
        client.post(ending)
    assert [each.actor_name for each in AuditEntry.objects.filter(verb="recording.ended")] == ["carol"]
    assert b"On now" not in client.get(told.link).content


def test_who_forbids_it_has_what_was_recorded_deleted_and_nobody_can_begin_again(
    connection: ConnectionRecord, bob: User, carol: User, client: Client
) -> None:
    client.force_login(bob)
    hold(record(client, connection), connection)
    client.force_login(carol)
    consents = reverse("gateway:recording-consents", args=[connection.application_id])
    client.post(consents, {"consent": "no"})
    assert not RecordedMessage.objects.exists()
    assert not Recording.objects.exists()
    client.force_login(bob)
    refused = client.post(page_of(connection), {**FORM, "application": connection.application_id})
    assert (refused.status_code, b"forbids that its connections" in refused.content) == (409, True)
    client.force_login(carol)
    client.post(consents, {"consent": "yes"})
    verbs = AuditEntry.objects.filter(kind="recording").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["recording.started", "recordings.forbidden", "recordings.allowed"]
    client.force_login(bob)
    record(client, connection)


def test_one_connection_is_recorded_from_its_row_and_only_of_this_api(
    connection: ConnectionRecord, alice: User, bob: User, client: Client
) -> None:
    client.force_login(bob)
    live = client.get(reverse("gateway:api-connections", args=[connection.api_id])).content.decode()
    assert f"{page_of(connection)}?connection={connection.pk}" in live
    assert connection.pk in client.get(f"{page_of(connection)}?connection={connection.pk}").content.decode()
    assert record(client, connection, connection=connection.pk).connection_id == connection.pk
    elsewhere = reverse("gateway:api-recordings", args=[make_api(alice, name="Other", context="/other").pk])
    assert client.get(f"{elsewhere}?connection={connection.pk}").status_code == 404


def test_the_timeline_shows_text_json_and_hex_and_says_what_is_missing(
    connection: ConnectionRecord, bob: User, client: Client
) -> None:
    client.force_login(bob)
    recording = record(client, connection)
    hold(recording, connection)
    address = reverse("gateway:recording", args=[connection.api_id, recording.pk])
    drawn = client.get(address).content.decode()
    for words in ("{&quot;n&quot;: 1}", "000000  00 ff", "Not kept: no JSON", "1 field taken out", "Replay"):
        assert words in drawn
    assert "{\n  &quot;n&quot;: 1\n}" in client.get(f"{address}?as=json").content.decode()
    assert "7b 22 6e 22" in client.get(f"{address}?as=hex&from=client").content.decode()
    assert "000000" not in client.get(f"{address}?from=client").content.decode()
    assert "No message yet" in client.get(f"{address}?connection=other").content.decode()
    assert "could only be counted" not in drawn
    RecordedMessage.objects.filter(problem="no JSON").update(problem=UNREAD)
    assert "1 message could only be counted" in client.get(address).content.decode()
    client.post(reverse("gateway:recording-deletions", args=[connection.api_id, recording.pk]))
    assert client.get(address).status_code == 404
    assert AuditEntry.objects.filter(verb="recording.deleted").exists()


def test_it_is_exported_as_json_lines_and_as_har_with_websocket_messages(
    connection: ConnectionRecord, bob: User, client: Client
) -> None:
    client.force_login(bob)
    recording = record(client, connection)
    hold(recording, connection)
    address = reverse("gateway:recording-file", args=[connection.api_id, recording.pk])
    lines = [json.loads(each) for each in client.get(f"{address}?format=jsonl").content.decode().splitlines()]
    assert [(each["direction"], each.get("text"), each.get("base64")) for each in lines] == [
        ("sent", '{"n": 1}', None),
        ("received", None, base64.b64encode(b"\x00\xff").decode()),
        ("received", None, None),
    ]
    assert (lines[0]["redactedFields"], lines[2]["notKept"], lines[0]["connectionId"]) == (1, "no JSON", connection.pk)
    rest = client.get(f"{REST}/recordings/{recording.pk}/messages?form=har")
    assert "attachment" in rest["Content-Disposition"]
    [entry] = rest.json()["log"]["entries"]
    assert entry["request"]["url"].endswith("/echowebsocket/1.0.0")
    assert (entry["response"]["status"], entry["_resourceType"]) == (101, "websocket")
    assert [(each["type"], each["opcode"], each["data"]) for each in entry["_webSocketMessages"]] == [
        ("send", 1, '{"n": 1}'),
        ("receive", 2, "AP8="),
        ("receive", 1, ""),
    ]


def test_rest_records_lists_reads_ends_and_forbids(
    connection: ConnectionRecord, bob: User, carol: User, client: Client
) -> None:
    client.force_login(bob)

    def send(method: str, path: str, body: Any = None) -> Any:
        return getattr(client, method)(f"{REST}/{path}", json.dumps(body), content_type="application/json")

    assert send("post", "recordings", {"apiId": connection.api_id}).status_code == 400
    begun = send("post", "recordings", {"apiId": connection.api_id, "connectionId": connection.pk, "seconds": 60})
    assert begun.status_code == 201, begun.content
    made = begun.json()
    assert (made["connectionId"], made["startedBy"], made["endedAt"]) == (connection.pk, "bob", None)
    hold(Recording.objects.get(), connection)
    read = client.get(f"{REST}/recordings/{made['recordingId']}/messages").json()["list"]
    assert [each["text"] for each in read] == ['{"n": 1}', None, None]
    client.force_login(carol)
    assert client.get(f"{REST}/recordings").json()["pagination"]["total"] == 1
    assert client.get(f"{REST}/recordings/{made['recordingId']}/messages").status_code == 404
    assert send("post", f"recordings/{made['recordingId']}/endings").json()["endedBy"] == "carol"
    assert send("post", f"recordings/{made['recordingId']}/endings").status_code == 409
    consent = f"applications/{connection.application_id}/recording-consent"
    assert send("put", consent, {"allowed": False}).status_code == 200
    assert client.get(f"{REST}/{consent}").json() == {"allowed": False}
    assert client.get(f"{REST}/recordings").json()["list"] == []


def test_bounds_are_kept_by_api_and_by_the_installation(
    connection: ConnectionRecord, bob: User, client: Client, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(bob)

    def refusal() -> str:
        asked = client.post(page_of(connection), {**FORM, "application": connection.application_id})
        assert asked.status_code == 409
        return str(asked.context["form"].non_field_errors()[0])

    settings.RECORDING_MEGABYTES = 0
    assert "records nothing" in refusal()
    settings.RECORDING_MEGABYTES = 1
    record(client, connection)
    assert "so much is not left" in refusal()
    Recording.objects.update(ended_at=timezone.now())
    record(client, connection)
    monkeypatch.setattr(operations, "MOST_KEPT", 2)
    assert "are kept. Delete one first" in refusal()
    monkeypatch.setattr(operations, "MOST_ON", 1)
    assert "are on already" in refusal()
    wrong = client.post(page_of(connection), {**FORM, "minutes": 90, "application": connection.application_id})
    assert wrong.status_code == 400


@pytest.mark.parametrize("gone", [Api, Application])
def test_what_was_recorded_goes_with_its_api_and_with_its_application(
    connection: ConnectionRecord, bob: User, client: Client, gone: type[Any]
) -> None:
    client.force_login(bob)
    hold(record(client, connection), connection)
    assert operations.forget_orphaned(timezone.now()) == 0
    Subscription.objects.all().delete()
    gone.objects.all().delete()
    assert operations.forget_orphaned(timezone.now()) == 1
    assert not RecordedMessage.objects.exists()
