"""What a subscription may send."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from core.folded import FoldedText, Folding, KeepsFolded
from publisher import plan_summary
from publisher.models.choices import choices_of
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
    billing = models.CharField(max_length=12, choices=choices_of(Billing), default=Billing.FREE.value)
    roles = models.JSONField(default=list, blank=True)
    quota = models.PositiveBigIntegerField(null=True, blank=True)
    quota_unit = models.CharField(max_length=8, choices=choices_of(QuotaUnit), default=QuotaUnit.MESSAGES.value)
    quota_period = models.CharField(max_length=8, choices=choices_of(QuotaPeriod), default=QuotaPeriod.DAY.value)
    rate = models.PositiveIntegerField(null=True, blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    connections = models.PositiveIntegerField(null=True, blank=True)
    connects = models.PositiveIntegerField(null=True, blank=True)
    message_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    applications = models.PositiveIntegerField(null=True, blank=True, default=MOST_APPLICATIONS)
    counted = models.CharField(max_length=8, choices=choices_of(CountedDirection), default=CountedDirection.BOTH.value)
    over_rate = models.CharField(max_length=8, choices=choices_of(OVER_RATE), default=ExceededAction.DELAY.value)
    over_quota = models.CharField(max_length=8, choices=choices_of(OVER_QUOTA), default=ExceededAction.CLOSE.value)
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
