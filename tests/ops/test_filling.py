"""`manage.py sample` fills an installation with what its pages and gateway take for real."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import User
from core.models import AuditEntry
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, DenyPolicy, OAuthClient, Subscription
from gateway.control import loaders
from publisher import operations, snapshots
from publisher.models import Api
from tests.publisher.builders import NOW, plans

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def first_rows() -> None:
    plans()
    ensure_application_plans()


def sample(*arguments: str) -> str:
    said = StringIO()
    call_command("sample", *arguments, stdout=said)
    return said.getvalue()


def test_it_makes_what_is_asked_for_and_goes_on_after_it() -> None:
    said = sample("--apis", "12", "--applications", "30", "--subscriptions", "100", "--deny-policies", "5")
    assert said.startswith("12 APIs\n30 applications with keys\n100 subscriptions\n5 deny policies\n")
    sample("--apis", "3", "--applications", "2", "--deny-policies", "1")
    counted = [kind.objects.count() for kind in (Api, Application, OAuthClient, Subscription, DenyPolicy)]
    assert counted == [15, 32, 32, 102, 6]
    assert Subscription.objects.filter(application__name="sample 1").count() == 12
    assert AuditEntry.objects.filter(verb="samples.made").count() == 2


def test_an_api_of_it_is_one_that_the_product_could_have_made(admin: User) -> None:
    sample("--apis", "1")
    api = Api.objects.get()
    assert api.deployed_revision
    assert api.deployed_revision.snapshot == snapshots.take(api)
    assert api.name_key
    assert api.plans.count() == 4
    assert api.categories.count() == 1
    assert [each.context for each in loaders.load_deployments()] == ["/sample-1"]
    copy = operations.create_version(api=api, version="2.0.0", actor=admin, now=NOW)
    assert copy.topics == api.topics
