"""The world in which the gateway is measured."""

import datetime as dt

import pytest

from bench import arrange
from devportal.models import Subscription
from publisher.models import Api, Plan

pytestmark = pytest.mark.django_db


def test_there_is_a_token_for_a_plan_that_counts_and_for_one_that_does_not() -> None:
    tokens = arrange.tokens("ws://127.0.0.1:4100/", dt.datetime.now(dt.UTC))
    assert set(tokens) == {arrange.METERED, arrange.UNLIMITED}
    assert len(set(tokens.values())) == 2
    assert {each.plan.name for each in Subscription.objects.all()} == {"Bench", "Unlimited"}
    assert Api.objects.get().deployed_revision is not None


def test_the_plan_that_counts_has_a_quota_and_a_rate_that_no_benchmark_reaches() -> None:
    arrange.tokens("ws://127.0.0.1:4100/", dt.datetime.now(dt.UTC))
    plan = Plan.objects.get(name="Bench")
    assert plan.quota is not None
    assert plan.rate is not None
    assert plan.quota > 10_000_000 * 24 * 3600
    assert min(plan.rate, plan.burst or 0) > 10_000_000
    assert (plan.connections, plan.connects) == (None, None)
