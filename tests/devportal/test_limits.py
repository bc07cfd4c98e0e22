"""Owners are told once that an application has used most of its quota."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Notification, User
from devportal import limits
from devportal.limits import look_at_limits
from gateway.models import QuotaWindow
from gateway.quotas.levels import spent
from gateway.quotas.limits import PlanLimits, window_at
from gateway.quotas.rules import api_account, quota_key
from publisher.plan_terms import QuotaPeriod
from tests.devportal import builders


def test_an_owner_is_told_at_eighty_per_cent_and_at_all_once_each(
    alice: User, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, used = timezone.now(), [79]
    ends = now + timedelta(days=1)
    monkeypatch.setattr(limits, "_readers", [lambda asked: [(used[0], ends) for _ in asked]])
    builders.plan("Hundred", quota=100, quota_period="day")
    builders.plan("Brief", quota=100, quota_period="minute")
    application = builders.application(carol, "Chat")
    builders.subscription(application, builders.api(alice, plans=("Hundred",)), "Hundred")
    builders.subscription(application, builders.api(alice, "Other", plans=("Brief",)), "Brief")
    for number in (79, 80, 95, 100, 100):
        used[0] = number
        assert look_at_limits(now) == 0
        Notification.objects.update(read_at=now)
    said = Notification.objects.order_by("pk").values_list("sentence", flat=True)
    assert [sentence.partition(" of its day's quota")[0] for sentence in said] == [
        "Chat has used 80 %",
        "Chat has used all",
    ]


@pytest.mark.django_db
def test_what_is_spent_is_what_the_gateway_counts() -> None:
    window = window_at(QuotaPeriod.DAY, timezone.now().timestamp())
    key = quota_key(api_account("a", "b"), PlanLimits())
    QuotaWindow.objects.create(key=key, begins=window.start, ends=window.end, granted=7)
    found = spent([("a", "b", "messages", "day"), ("a", "c", "messages", "day")])
    assert [number for number, _ in found] == [7, 0]
