"""APIs, the plans they are offered under, and the revisions that the gateway serves."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from core.folded import FoldedText, Folding, KeepsFolded
from publisher import plan_summary
from publisher.lifecycle import State
from publisher.plan_terms import (
    MOST_APPLICATIONS,
    OVER_QUOTA,
    OVER_RATE,
    Billing,
    CountedDirection,
    ExceededAction,
    QuotaPeriod,
    QuotaUnit,
)
from publisher.runtime import all_key_types


def _choices(words: Iterable[StrEnum]) -> list[tuple[str, str]]:
    return [(word.value, word.value.capitalize()) for word in words]


class Plan(KeepsFolded):
    """A business plan: what one subscription may send. A limit that is null does not apply.

    Units: `quota` counts messages or bytes (`quota_unit`) per `quota_period`; `rate` is messages a second with
    `burst` messages at once; `connections` are open at the same time per subscription; `connects` are new
    connections a minute; `message_bytes` is the largest message; `applications` is how many of them one person may
    subscribe to an API. Under an `uncompressed` plan nothing is compressed on the way, so that bytes are those inside.
    """

    audit_kind: ClassVar = "plan"

    name = models.CharField(max_length=60)
    display_name = models.CharField(max_length=512)
    description = models.CharField(max_length=1024, blank=True)
    billing = models.CharField(max_length=12, choices=_choices(Billing), default=Billing.FREE.value)
    roles = models.JSONField(default=list, blank=True)
    quota = models.PositiveBigIntegerField(null=True, blank=True)
    quota_unit = models.CharField(max_length=8, choices=_choices(QuotaUnit), default=QuotaUnit.MESSAGES.value)
    quota_period = models.CharField(max_length=8, choices=_choices(QuotaPeriod), default=QuotaPeriod.DAY.value)
    rate = models.PositiveIntegerField(null=True, blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    connections = models.PositiveIntegerField(null=True, blank=True)
    connects = models.PositiveIntegerField(null=True, blank=True)
    message_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    applications = models.PositiveIntegerField(null=True, blank=True, default=MOST_APPLICATIONS)
    counted = models.CharField(max_length=8, choices=_choices(CountedDirection), default=CountedDirection.BOTH.value)
    over_rate = models.CharField(max_length=8, choices=_choices(OVER_RATE), default=ExceededAction.DELAY.value)
    over_quota = models.CharField(max_length=8, choices=_choices(OVER_QUOTA), default=ExceededAction.CLOSE.value)
    requires_approval = models.BooleanField(default=False)
    uncompressed = models.BooleanField(default=False)
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("name_key", name="plan_name_unique_in_any_case")]

    def __str__(self) -> str:
        return self.display_name

    def audit_detail(self) -> dict[str, Any]:
        return {"plan_id": str(self.pk), "plan": self.name}

    @property
    def is_quota_kept(self) -> bool:
        """Whether the quota stops anything; else it says only what is meant to be used."""
        return self.over_quota != ExceededAction.PASS

    @property
    def summary(self) -> str:
        """The limits on one line, for people who choose."""
        return plan_summary.in_words(
            quota=self.quota,
            quota_unit=self.quota_unit,
            quota_period=self.quota_period,
            is_quota_kept=self.is_quota_kept,
            rate=self.rate,
            connections=self.connections,
            connects=self.connects,
            message_bytes=self.message_bytes,
        )


class Api(KeepsFolded):
    """A WebSocket API as its designers see it. The gateway never reads this row, only deployed revisions.

    `production` and `sandbox` are endpoint documents as `publisher.endpoint` describes them (empty: none);
    `endpoint_options` holds the advanced configuration; `topics` is a list of
    `{"target": "/rooms/{id}", "verbs": ["publish", "subscribe"], "mapping": "/…" | "", "scopes": […]}`.
    `origins` are the web pages that may call, as `publisher.origins` writes them (empty: all of them); `query_token`
    says whether a token may come in the address; `key_types` are the kinds of keys that may call, and `message_bytes`
    is the largest message of a client (0: as its plan says). `mock` is what is said in place of a backend, see
    `publisher.mock`.
    `updated_at` moves when the design changes, not when the lifecycle does: an edit is guarded by it.
    """

    audit_kind: ClassVar = "api"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60)
    context = models.CharField(max_length=232)
    version = models.CharField(max_length=30)
    description = models.TextField(blank=True, max_length=32766)
    tags = models.JSONField(default=list, blank=True)
    provider = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="apis")
    state = models.CharField(max_length=12, choices=[(s.value, s.label) for s in State], default=State.CREATED.value)
    is_default_version = models.BooleanField(default=False)
    production = models.JSONField(default=dict, blank=True)
    sandbox = models.JSONField(default=dict, blank=True)
    endpoint_options = models.JSONField(default=dict, blank=True)
    topics = models.JSONField(default=list, blank=True)
    origins = models.JSONField(default=list, blank=True)
    query_token = models.BooleanField(default=True)
    mock = models.JSONField(default=dict, blank=True)
    message_bytes = models.PositiveBigIntegerField(default=0)
    key_types = models.JSONField(default=all_key_types, blank=True)
    plans = models.ManyToManyField(Plan, related_name="apis", blank=True)
    deployed_revision = models.ForeignKey(
        "Revision", null=True, blank=True, on_delete=models.RESTRICT, related_name="deployed_for"
    )
    deployed_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    name_key = FoldedText(of="name")
    description_key = FoldedText(of="description")
    tags_key = FoldedText(of="tags")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("name_key", "version", name="api_name_and_version_unique"),
            models.UniqueConstraint(Lower("context"), "version", name="api_context_and_version_unique"),
            models.UniqueConstraint(
                Lower("context"), condition=models.Q(is_default_version=True), name="api_one_default_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.pk), "name": self.name, "version": self.version}

    @property
    def has_backend(self) -> bool:
        """Whether calls can be passed on to anything: an address, or the mock that stands in for one."""
        return bool(self.production or self.sandbox or self.mock.get("is_on"))

    @property
    def stage(self) -> State:
        """The lifecycle state as the table knows it."""
        return State(self.state)


class Revision(models.Model):
    """What an API was at one moment: an immutable snapshot of all that routing, policy and endpoints need."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    description = models.CharField(max_length=255, blank=True)
    snapshot = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api", "number"], name="revision_number_unique")]

    def __str__(self) -> str:
        return f"{self.api} revision {self.number}"
