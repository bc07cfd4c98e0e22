"""What passes on a connection is taken down from any moment on, and its relay is as before when that is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone

from core.models import AuditEntry
from gateway.authorization.decision import Allow, authorize
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.models import RecordedMessage, Recording, UnrecordedApplication
from gateway.payloads.redaction import REDACTED
from gateway.recording import recorder as recording
from gateway.recording import store
from gateway.recording.recorder import Recorder
from gateway.recording.store import ActiveRecording
from gateway.recording.tap import LONGEST, Tap
from gateway.relay import frames
from gateway.relay.side import Leg
from gateway.relay.splice import Relay
from gateway.routing.table import RouteTable
from tests.gateway import builders
from tests.gateway.payloads.test_reading import Deflate, frame
from tests.gateway.relay.test_splice import World

API = "/echo@1.0.0"
MOMENT = datetime.fromtimestamp(builders.NOW, UTC)


def a_connection(number: int = 1, application: str = "app") -> Connection:
    match = RouteTable([builders.deployment()]).match("/echo/1.0.0")
    admitted = authorize(builders.handshake(), match, builders.grant(application_id=application), builders.NOW)
    assert isinstance(admitted, Allow)
    return Connection(f"c{number}", admitted, lambda code, reason: None, "192.0.2.7", builders.NOW)


class Harness:
    """A worker with its recorder and a database in memory."""

    def __init__(self, *pointers: str) -> None:
        self.connections, self.now = ConnectionRegistry(), MOMENT
        self.pointers: tuple[str, ...] | None = pointers
        self.active: list[ActiveRecording] = []
        self.written: list[store.Taken] = []
        self.missed = 0
        self.is_away = False
        self.full: set[UUID] = set()
        self.recorder = Recorder(
            run=self.run,
            connections=self.connections,
            redacted_of=lambda api_id: self.pointers,
            clock=lambda: self.now,
        )

    async def run(self, work: Any) -> Any:
        if self.is_away:
            raise OperationalError("away")
        if work.func is store.active:
            return self.active
        taken, missed, _ = work.args
        self.written += [each for rows in taken.values() for each in rows]
        self.missed += sum(missed.values())
        return self.full

    def record(self, connection_id: str = "", application: str = "app", seconds: int = 60) -> None:
        until = MOMENT + timedelta(seconds=seconds)
        self.active.append(ActiveRecording(uuid4(), API, application, connection_id, until))
        asyncio.run(self.recorder.refresh())

    def end(self) -> None:
        self.active = []
        asyncio.run(self.recorder.refresh())

    def open(self, connection: Connection, **options: Any) -> World:
        """As the consumer does it."""
        self.connections.add(connection)
        world = World(kind=self.recorder.around(connection, Relay), **options)
        connection.relay = world.relay
        self.recorder.opened(connection)
        return world

    def said(self) -> list[tuple[str, bytes | None]]:
        asyncio.run(self.recorder.write())
        return [(each.sender, each.payload) for each in self.written]


def test_both_directions_are_taken_down_whole_and_pass_unchanged() -> None:
    harness = Harness()
    harness.record()
    world = harness.open(a_connection())
    sent = frame(b'{"n": 1}') + frame(b"tw", 0x01) + frame(b"", 0x89) + frame(b"o", 0x80)
    for at in range(0, len(sent), 3):
        world.relay.client.data_received(sent[at : at + 3])
    world.relay.backend.data_received(frame(b"\x00\xff", 0x82, masked=False))
    assert (world.backend.written, world.client.written) == (sent, frame(b"\x00\xff", 0x82, masked=False))
    assert harness.said() == [("client", b'{"n": 1}'), ("client", b"two"), ("backend", b"\x00\xff")]
    assert [each.is_text for each in harness.written] == [True, True, False]


def test_a_connection_that_is_not_recorded_has_the_relay_that_it_always_has() -> None:
    harness = Harness()
    harness.record(application="other")
    connection = a_connection()
    kind: Callable[..., Any] = object
    assert harness.recorder.around(connection, kind) is kind
    world = harness.open(connection)
    for leg in (world.relay.client, world.relay.backend):
        assert type(leg) is Leg
        assert not isinstance(leg.write, Tap)


def test_recording_begins_and_ends_in_the_middle_of_a_message_that_is_left_out() -> None:
    harness, connection = Harness(), a_connection()
    world = harness.open(connection)
    client = world.relay.client
    before = client.write
    first = frame(b"before", 0x01) + frame(b"more", 0x00)
    client.data_received(first[:-2])
    harness.record("c1")
    client.data_received(first[-2:] + frame(b"end", 0x80) + frame(b"heard"))
    harness.end()
    client.data_received(frame(b"after"))
    assert client.write is before
    assert harness.said() == [("client", b"heard")]
    assert world.relay.traffic().messages_in == 3


def test_only_the_connection_that_is_named_is_recorded_and_only_until_its_time() -> None:
    harness = Harness()
    first, second = harness.open(a_connection(1)), harness.open(a_connection(2))
    harness.record("c2", seconds=5)
    for world in (first, second):
        world.relay.client.data_received(frame(b"hello"))
    assert harness.said() == [("client", b"hello")]

    async def a_moment_later() -> None:
        harness.now += timedelta(seconds=5)
        keeping = asyncio.create_task(harness.recorder.keep())
        while harness.recorder.active:
            await asyncio.sleep(0)
        keeping.cancel()

    recording_seconds, recording.WRITE_SECONDS = recording.WRITE_SECONDS, 0  # type: ignore[misc]
    try:
        asyncio.run(a_moment_later())
    finally:
        recording.WRITE_SECONDS = recording_seconds  # type: ignore[misc]
    second.relay.client.data_received(frame(b"too late"))
    assert len(harness.said()) == 1


def test_compressed_messages_are_read_from_the_start_and_told_of_where_they_cannot_be_read() -> None:
    harness, deflate = Harness(), Deflate()
    harness.record()
    options: dict[str, Any] = {"rsv": frames.RSV1, "keeps_context": (True, True)}
    world = harness.open(a_connection(), **options)
    world.relay.client.data_received(frame(deflate(b"again and again"), 0xC1) + frame(deflate(b"again and"), 0xC1))
    assert [payload for _, payload in harness.said()] == [b"again and again", b"again and"]
    harness.end()
    harness.record()
    world.relay.client.data_received(frame(deflate(b"again and again"), 0xC1) + frame(b"plain"))
    assert [payload for _, payload in harness.said()][2:] == [None, b"plain"]
    assert "compressed" in harness.written[2].problem
    # Where each message stands by itself, nothing is lost by coming late.
    alone = harness.open(a_connection(2), rsv=frames.RSV1, keeps_context=(False, False))
    alone.relay.client.data_received(frame(Deflate()(b"first"), 0xC1) + frame(Deflate()(b"second"), 0xC1))
    assert [payload for _, payload in harness.said()][4:] == [b"first", b"second"]


def test_named_fields_are_gone_before_anything_waits_and_nothing_is_kept_of_what_may_hold_them() -> None:
    harness = Harness("/card")
    harness.record()
    world = harness.open(a_connection())
    sent = frame(b'{"card": "4111", "n": 1}') + frame(b"card 4111") + frame(b"x" * (LONGEST + 1))
    for at in range(0, len(sent), 100_000):
        world.relay.client.data_received(sent[at : at + 100_000])
    assert b"4111" not in repr(vars(harness.recorder)).encode()
    assert harness.said() == [
        ("client", json.dumps({"card": REDACTED, "n": 1}).encode()),
        ("client", None),
        ("client", None),
    ]
    assert (harness.written[0].fields, harness.written[0].octets) == (1, 24)
    assert harness.written[2].problem == "it is longer than 256 KiB"
    harness.pointers = None
    world.relay.client.data_received(frame(b"{}"))
    assert harness.said()[3:] == [("client", None)]


def test_what_there_is_no_room_for_is_counted_and_what_could_not_be_written_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "MOST_WAITING", 250)
    harness = Harness()
    harness.record()
    world = harness.open(a_connection())
    harness.is_away = True
    world.relay.client.data_received(frame(b"1") + frame(b"2") + frame(b"3"))
    assert harness.said() == []
    world.relay.client.data_received(frame(b"4"))
    harness.is_away = False
    assert harness.said() == [("client", b"1"), ("client", b"2")]
    assert harness.missed == 2
    harness.full = {harness.active[0].id}
    world.relay.client.data_received(frame(b"5"))
    harness.said()
    assert not isinstance(world.relay.client.write, Tap)


def test_a_recorder_that_fails_leaves_the_connection_alone() -> None:
    harness = Harness()
    harness.record()
    world = harness.open(a_connection())
    harness.recorder.redacted_of = lambda api_id: 1 / 0  # type: ignore[assignment, return-value]
    sent = frame(b"1") + frame(b"2")
    world.relay.client.data_received(sent)
    world.relay.client.data_received(sent)
    assert world.backend.written == sent + sent


# --- rows ------------------------------------------------------------------------------------------------------


@pytest.fixture
def row(db: None) -> Recording:
    now = timezone.now()
    return Recording.objects.create(
        api_id=API,
        api_name="Echo",
        application_id="app",
        application_name="Chat client",
        started_by="bob",
        started_at=now,
        until=now + timedelta(minutes=5),
        most_octets=1000,
    )


def taken(text: bytes = b"x" * 100, number: int = 1) -> list[store.Taken]:
    return [
        store.Taken("c1", MOMENT + timedelta(seconds=each), "client", True, len(text), text, 0, "")
        for each in range(number)
    ]


def test_a_recording_ends_itself_when_it_is_full_and_holds_no_row_too_many(row: Recording) -> None:
    assert store.add({row.pk: taken(number=3)}, {row.pk: 2}, timezone.now()) == set()
    assert store.add({row.pk: taken(number=4)}, {}, timezone.now()) == {row.pk}
    assert store.add({row.pk: taken()}, {}, timezone.now()) == {row.pk}
    row.refresh_from_db()
    assert (row.messages, row.octets, row.missed, row.ended_by) == (5, 1000, 4, "full")
    assert RecordedMessage.objects.count() == 5
    assert AuditEntry.objects.get(verb="recording.ended").detail["why"] == "full"
    assert store.active(timezone.now()) == []


def test_what_is_forbidden_is_not_active_and_what_is_old_goes_with_its_rows(row: Recording) -> None:
    assert [each.id for each in store.active(timezone.now())] == [row.pk]
    UnrecordedApplication.objects.create(application_id="app", at=timezone.now())
    assert store.active(timezone.now()) == []
    store.add({row.pk: taken(number=2)}, {}, timezone.now())
    later = timezone.now() + timedelta(days=settings.RECORDING_DAYS + 1)
    assert store.prune(timezone.now()) == 0
    assert (store.prune(later), store.prune(later), store.prune(later)) == (2, 1, 0)
    assert not Recording.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_named_field_is_ever_in_the_files_of_the_database(row: Recording) -> None:
    harness = Harness("/card/number")
    harness.active = [ActiveRecording(row.pk, API, "app", "", MOMENT + timedelta(seconds=60))]
    asyncio.run(harness.recorder.refresh())
    world = harness.open(a_connection())
    sent = b'{"card": {"number": "4111-secret-1111"}, "text": "kept-and-found"}'
    world.relay.client.data_received(frame(sent) + frame(sent[:-1]) + frame(sent[:20], 0x01) + frame(sent[20:], 0x80))
    world.relay.backend.data_received(frame(b"\xff" + sent, 0x82, masked=False))
    store.add(harness.recorder.waiting, harness.recorder.missed, timezone.now())
    if database.vendor == "sqlite":
        name = str(database.settings_dict["NAME"])
        stored = b"".join(Path(path).read_bytes() for path in (name, f"{name}-wal") if Path(path).exists())
    else:
        stored = repr(list(RecordedMessage.objects.values_list("payload", flat=True))).encode()
    assert b"kept-and-found" in stored
    assert b"4111-secret-1111" not in stored
