"""What the gateway writes down; one module, for a schema is read as a whole. Times of leases are seconds since 1970."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class WorkerRecord(models.Model):
    """One gateway process that lives, or lived until `seen_at`. `connections` counts the open ones by API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    connections = models.JSONField(default=dict, db_column="lines")

    class Meta:
        db_table = "gateway_worker"

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class ConnectionRecord(models.Model):
    """One client that was let in: whose, to where, since when, what passed, and once it has ended how.

    Names are as they were then, so that the row can be read after what they name is gone. `ended_at` is null while it
    is open. Codes are those of the Close on either side, 1005 for one without a code and 1006 where there was none.
    """

    id = models.CharField(max_length=32, primary_key=True)
    worker_id = models.UUIDField()
    api_id = models.CharField(max_length=36)
    api_name = models.CharField(max_length=60)
    context = models.CharField(max_length=200)
    version = models.CharField(max_length=30)
    application_id = models.CharField(max_length=36)
    application_name = models.CharField(max_length=150)
    owner_id = models.CharField(max_length=36)
    subscriber = models.CharField(max_length=150)
    plan = models.CharField(max_length=150)
    key_type = models.CharField(max_length=10)
    topic = models.CharField(max_length=200, default="")
    subprotocol = models.CharField(max_length=100, default="")
    token_id = models.CharField(max_length=32, default="", db_index=True)
    client_ip = models.CharField(max_length=45)
    expires_at = models.DateTimeField()
    started_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, db_index=True)
    active_at = models.DateTimeField(null=True)
    counted_until = models.DateTimeField(null=True)
    messages_in = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0)
    messages_out = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)
    ended_by = models.CharField(max_length=10, default="")
    client_code = models.PositiveIntegerField(null=True)
    backend_code = models.PositiveIntegerField(null=True)
    reason = models.CharField(max_length=125, default="")
    # Not kept: what a live page knows of it beside, see `gateway.connections.board`.
    rate_in: float = 0.0
    rate_out: float = 0.0
    waits: str = ""

    class Meta:
        db_table = "gateway_connection"
        indexes: ClassVar = [
            models.Index(fields=["api_id", "-started_at"], name="connection_of_api"),
            models.Index(fields=["application_id", "-started_at"], name="connection_of_application"),
        ]


class LiveWatch(models.Model):
    """Somebody looks at the open connections of `scope` until then, so that workers report what passes on them."""

    scope = models.CharField(max_length=48, primary_key=True)
    until = models.DateTimeField()

    class Meta:
        db_table = "gateway_live_watch"

    def __str__(self) -> str:
        return f"{self.scope} until {self.until:%H:%M:%S}"


class LiveFigures(models.Model):
    """What passes on the connections of one worker that somebody looks at, packed; see `gateway.connections.live`."""

    worker_id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    figures = models.BinaryField()

    class Meta:
        db_table = "gateway_live_figures"

    def __str__(self) -> str:
        return f"{self.worker_id} at {self.at:%H:%M:%S}"


class TrafficLikeness(models.Model):
    """What connections have in common that are added up. Figures name it by a number: they are many, and it is long."""

    api_id = models.CharField(max_length=36)
    application_id = models.CharField(max_length=36)
    plan = models.CharField(max_length=150)
    key_type = models.CharField(max_length=10)
    topic = models.CharField(max_length=200)

    class Meta:
        db_table = "gateway_traffic_likeness"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["api_id", "application_id", "plan", "key_type", "topic"], name="traffic_likeness_stands_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["application_id"], name="traffic_of_an_application")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.api_id} {self.topic}"


class TrafficFigures(models.Model):
    """What passed in a minute, hour, day or week (`period`), of connections that are alike; see `gateway.statistics`.

    `begins` is in seconds since the epoch. Each figure stands in one row only: minutes become part of their hour, hours
    of their day and days of their week, which no longer tell which worker it was.
    """

    period = models.CharField(max_length=1)
    begins = models.BigIntegerField()
    worker = models.CharField(max_length=36, default="")
    likeness = models.ForeignKey(TrafficLikeness, models.DO_NOTHING, related_name="figures", db_index=False)
    opened = models.BigIntegerField(default=0)
    closed = models.BigIntegerField(default=0)
    milliseconds = models.BigIntegerField(default=0)
    messages_in = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0)
    messages_out = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)

    class Meta:
        db_table = "gateway_traffic_figures"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["likeness", "begins", "period", "worker"], name="traffic_is_told_once")
        ]
        indexes: ClassVar = [models.Index(fields=["period", "begins"], name="traffic_of_a_period")]

    def __str__(self) -> str:
        return f"{self.period} {self.begins} {self.likeness_id}"


class EventLikeness(models.Model):
    """What happened to whom: `refusal` of a code, `close` by somebody with a code, `dial` that took so long at most."""

    api_id = models.CharField(max_length=36)
    application_id = models.CharField(max_length=36)
    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=24)

    class Meta:
        db_table = "gateway_event_likeness"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["api_id", "application_id", "kind", "name"], name="event_likeness_stands_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["application_id"], name="event_of_an_application")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.api_id} {self.kind} {self.name}"


class EventFigures(models.Model):
    """How often something happened in a minute, hour, day or week: refusals and closes by cause, durations by bound."""

    period = models.CharField(max_length=1)
    begins = models.BigIntegerField()
    likeness = models.ForeignKey(EventLikeness, models.DO_NOTHING, related_name="figures", db_index=False)
    number = models.BigIntegerField(default=0)

    class Meta:
        db_table = "gateway_event_figures"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["likeness", "begins", "period"], name="event_is_told_once")
        ]
        indexes: ClassVar = [models.Index(fields=["period", "begins"], name="event_of_a_period")]

    def __str__(self) -> str:
        return f"{self.period} {self.begins} {self.likeness_id}"


class MonthlyStatement(models.Model):
    """What an application used of an API in one month of UTC (`2026-11`), frozen after it closed; never changed."""

    month = models.CharField(max_length=7)
    application_id = models.CharField(max_length=36)
    application_name = models.CharField(max_length=150)
    api_id = models.CharField(max_length=36)
    api_name = models.CharField(max_length=100)
    opened = models.BigIntegerField()
    milliseconds = models.BigIntegerField()
    messages_in = models.BigIntegerField()
    bytes_in = models.BigIntegerField()
    messages_out = models.BigIntegerField()
    bytes_out = models.BigIntegerField()
    frozen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month", "application_id", "api_id"], name="statement_stands_once")
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.application_name} {self.api_name}"


class LimitAlert(models.Model):
    """Somebody was told that an account has used so many per cent of a quota in the window that began then."""

    account = models.CharField(max_length=100)
    begins = models.BigIntegerField()
    percent = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "begins", "percent"], name="alert_is_given_once")
        ]

    def __str__(self) -> str:
        return f"{self.percent} % of {self.account}"


class RefusalRecord(models.Model):
    """Clients that were refused for one reason: usually one, in a flood the `times` of those like it, from `since` on.

    `attempt` is the id that the client gave its handshake, empty for most. API and application are empty where they are
    not known.
    """

    request_id = models.CharField(max_length=32, db_index=True)
    attempt = models.CharField(max_length=32, default="", db_index=True)
    at = models.DateTimeField(db_index=True)
    since = models.DateTimeField(null=True)
    times = models.PositiveIntegerField(default=1)
    api_id = models.CharField(max_length=36, default="")
    application_id = models.CharField(max_length=36, default="")
    client_ip = models.CharField(max_length=45, default="")
    path = models.CharField(max_length=200, default="")
    status = models.PositiveSmallIntegerField()
    code = models.PositiveIntegerField()
    message = models.CharField(max_length=100)
    description = models.CharField(max_length=300)

    class Meta:
        db_table = "gateway_refusal"
        indexes: ClassVar = [
            models.Index(fields=["api_id", "-at"], name="refusal_of_api"),
            models.Index(fields=["application_id", "-at"], name="refusal_of_application"),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.message}"


class ViolationCount(models.Model):
    """How many messages of one sender, the `client` or the `backend`, fitted no schema of their topic.

    Names are as they were at the last of them.
    """

    api_id = models.CharField(max_length=36)
    application_id = models.CharField(max_length=36)
    application_name = models.CharField(max_length=150)
    subscriber = models.CharField(max_length=150)
    topic = models.CharField(max_length=255)
    sender = models.CharField(max_length=7)
    times = models.PositiveBigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "gateway_violation"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["api_id", "application_id", "topic", "sender"], name="violations_counted_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.times} of {self.application_name}"


class ViolationSample(models.Model):
    """One message that fitted no schema: what was wrong with it at which JSON pointer, and how it begins.

    `octets` is how long its payload was, 0 where it could not be read. `message` is whose schema says so.
    """

    api_id = models.CharField(max_length=36)
    application_id = models.CharField(max_length=36)
    topic = models.CharField(max_length=255)
    sender = models.CharField(max_length=7)
    at = models.DateTimeField(db_index=True)
    is_closed = models.BooleanField()
    message = models.CharField(max_length=100)
    path = models.CharField(max_length=300)
    problem = models.CharField(max_length=300)
    payload = models.TextField()
    octets = models.PositiveBigIntegerField()

    class Meta:
        db_table = "gateway_violation_sample"
        indexes: ClassVar = [models.Index(fields=["api_id", "application_id", "-id"], name="samples_of_application")]

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class ReauthenticationRequest(models.Model):
    """A request that a connection of some worker rest on another token; `answer` is empty until that worker did."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection_id = models.CharField(max_length=32)
    token_id = models.CharField(max_length=32)
    asked_at = models.DateTimeField(db_index=True)
    answer = models.JSONField(default=dict)

    class Meta:
        db_table = "gateway_renewal"

    def __str__(self) -> str:
        return f"reauthentication of {self.connection_id}"


class QuotaWindow(models.Model):
    """One period of one quota, from `begins` until just before `ends`; a window that ends at 0 never does.

    `granted` counts what was spent for good and what is lent out under leases. `contended_at` is when somebody was last
    refused, so that others return what they have not spent.
    """

    key = models.CharField(max_length=160)
    begins = models.BigIntegerField()
    ends = models.BigIntegerField()
    granted = models.BigIntegerField(default=0)
    contended_at = models.FloatField(default=0.0, db_index=True, db_column="wanted_at")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key", "begins"], name="quota_window_unique"),
            models.CheckConstraint(condition=models.Q(granted__gte=0), name="quota_window_grants_nothing_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.key} from {self.begins}"


class LeaseRecord(models.Model):
    """What one worker was lent of a window in all, and how much of that it was known to have spent at `reported_at`.

    `sequence` numbers the holder's requests: one that was overtaken by a later one changes nothing.
    """

    window = models.ForeignKey(QuotaWindow, on_delete=models.CASCADE, related_name="leases")
    holder = models.CharField(max_length=64)
    lease_id = models.BigIntegerField(db_column="serial")
    granted = models.BigIntegerField()
    spent = models.BigIntegerField(default=0)
    reported_at = models.FloatField(default=0.0)
    sequence = models.BigIntegerField(default=0, db_column="turn")

    class Meta:
        db_table = "gateway_lease"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["holder", "lease_id"], name="lease_unique_for_its_holder")
        ]

    def __str__(self) -> str:
        return f"{self.holder}/{self.lease_id}"


class LeaseHolder(models.Model):
    """A gateway worker that takes leases, and when it was last seen."""

    name = models.CharField(max_length=64, primary_key=True)
    seen_at = models.FloatField()


class RateSchedule(models.Model):
    """The one schedule of a rate: until when its messages are reserved."""

    key = models.CharField(max_length=160, primary_key=True)
    reserved_until = models.FloatField(default=0.0, db_column="booked_until")

    class Meta:
        db_table = "gateway_rateline"


class WindowCheckpoint(models.Model):
    """What Redis knew of a window at `saved_at` by its own clock, in case it forgets. `key` is that of Redis.

    The row called `epoch` names the life that Redis remembers.
    """

    key = models.CharField(max_length=200, primary_key=True)
    ends = models.BigIntegerField(db_index=True)
    state = models.TextField()
    saved_at = models.FloatField()


class BreakerRecord(models.Model):
    """A backend that fails: how often in a row, and until when it is left alone (0: not yet). Keyed by a digest.

    `probed_until` is until when one worker looks whether it is well again. `worker` is who suspended it. Times are in
    seconds since the epoch.
    """

    key = models.CharField(max_length=64, primary_key=True)
    address = models.TextField()
    failures = models.PositiveIntegerField()
    pause = models.FloatField(default=0.0)
    until = models.FloatField(default=0.0)
    probed_until = models.FloatField(default=0.0)
    changed_at = models.FloatField(db_index=True)
    worker = models.CharField(max_length=100, default="")

    class Meta:
        db_table = "gateway_suspension"

    def __str__(self) -> str:
        return self.address


class DialRecord(models.Model):
    """The latest dial of a backend's address: which worker made it, how it ended, and when one last ended well or not.

    `status` is 101 or that of the refusal it led to, `sentence` why. Keyed like `BreakerRecord`.
    """

    key = models.CharField(max_length=64, primary_key=True)
    api_id = models.CharField(max_length=36, db_index=True)
    address = models.TextField()
    worker = models.CharField(max_length=100)
    at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField()
    sentence = models.CharField(max_length=300, default="")
    seconds = models.FloatField()
    opened_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "gateway_dial"

    def __str__(self) -> str:
        return self.address


class Recording(models.Model):
    """What passes on an application's connections to an API, or on one of them, kept until a time or a size.

    Names are as they were. It is on until `until` or `ended_at`, whichever comes first; `ended_by` is who ended it, or
    why it ended. `octets` are those that are stored, `missed` the messages that there was no time or room for.
    """

    audit_kind: ClassVar = "recording"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api_id = models.CharField(max_length=36)
    api_name = models.CharField(max_length=100)
    application_id = models.CharField(max_length=36, db_index=True)
    application_name = models.CharField(max_length=150)
    connection_id = models.CharField(max_length=32, default="")
    started_by = models.CharField(max_length=150)
    started_at = models.DateTimeField()
    until = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, default="")
    most_octets = models.PositiveBigIntegerField()
    octets = models.PositiveBigIntegerField(default=0)
    messages = models.PositiveIntegerField(default=0)
    missed = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["api_id", "-started_at"], name="recording_of_api")]

    def __str__(self) -> str:
        return f"{self.application_name} on {self.api_name}"

    def audit_detail(self) -> dict[str, str]:
        """Whose traffic it is."""
        told = {"api_id": self.api_id, "application_id": self.application_id, "application": self.application_name}
        return {**told, "connection": self.connection_id} if self.connection_id else told


class RecordedMessage(models.Model):
    """One message that passed, without what its API forbids to keep. `octets` are those of its payload as it was.

    `payload` is null where nothing of it may or can be kept; `problem` says why. `fields` were taken out of it.
    """

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="rows")
    connection_id = models.CharField(max_length=32)
    at = models.DateTimeField()
    sender = models.CharField(max_length=7)
    is_text = models.BooleanField()
    octets = models.PositiveBigIntegerField()
    payload = models.BinaryField(null=True)
    fields = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=100, default="")

    class Meta:
        db_table = "gateway_recorded_message"
        indexes: ClassVar = [models.Index(fields=["recording", "at", "id"], name="messages_of_recording")]

    def __str__(self) -> str:
        return f"{self.sender} at {self.at:%H:%M:%S}"


class UnrecordedApplication(models.Model):
    """An application whose owner forbids that its connections are recorded."""

    application_id = models.CharField(max_length=36, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_unrecorded_application"
