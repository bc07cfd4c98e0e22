"""The Administration's pages of plans, deny policies and service accounts."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from oauth2_provider.models import AccessToken

from accounts.models import User
from core.models import AuditEntry
from devportal.models import ApplicationPlan, DenyPolicy, OAuthClient
from publisher.models import Plan
from tests.devportal import builders

PLAN = {
    "quota_unit": "messages",
    "quota_period": "day",
    "counted": "both",
    "over_quota": "close",
    "over_rate": "delay",
    "billing": "FREE",
}


@pytest.fixture
def administrator(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def post(client: Client, path: str, **body: object) -> HttpResponse:
    answer: HttpResponse = client.post(f"/admin/{path}", body, secure=True)
    return answer


def test_a_plan_is_made_changed_and_deleted(administrator: Client) -> None:
    limits = {**PLAN, "quota": "500", "quota_period": "hour", "roles": ["creator"]}
    assert post(administrator, "plans/create", name="Copper", **limits).status_code == 302
    made = Plan.objects.get(name="Copper")
    assert (made.quota, made.quota_period, made.roles, made.rate) == (500, "hour", ["creator"], None)
    assert post(administrator, "plans/business/Copper", **PLAN, rate="7", name="Other").status_code == 302
    changed = Plan.objects.get(name="Copper")
    assert (changed.quota, changed.rate, changed.roles) == (None, 7, [])
    assert post(administrator, "plans/business/Copper/deletions").status_code == 302
    assert not Plan.objects.filter(name="Copper").exists()


def test_a_contradiction_stands_at_its_field_and_what_was_typed_stays(administrator: Client) -> None:
    page = post(administrator, "plans/create", name="Copper", **PLAN, rate="50", burst="5")
    assert page.status_code == 400
    assert b"A burst is at least as large as the rate" in page.content
    assert b'value="50"' in page.content


def test_what_a_plan_does_is_shown_while_it_is_typed(administrator: Client) -> None:
    assert b"4003" in post(administrator, "plans/previews", **PLAN, quota="5").content
    assert (
        b"at least as large as the rate" in post(administrator, "plans/previews", **PLAN, rate="5", burst="1").content
    )
    assert b"whole number" in post(administrator, "plans/previews", **PLAN, rate="many").content


def test_a_plan_in_use_says_who_uses_it_and_stays(administrator: Client, alice: User, carol: User) -> None:
    builders.subscription(builders.application(carol), builders.api(alice))
    page = administrator.get("/admin/plans/business/Gold", secure=True).content.decode()
    assert re.search(r"1 API\s+is\s+offered under it", page)
    refused = administrator.post("/admin/plans/business/Gold/deletions", secure=True, follow=True)
    assert b"Gold is in use" in refused.content
    assert Plan.objects.filter(name="Gold").exists()


def test_the_list_of_plans_takes_the_same_queries_however_many_there_are(
    administrator: Client, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for number in range(30):
        builders.plan(f"Plan{number}")
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        administrator.get("/admin/plans", secure=True)


def test_an_application_plan_is_made_changed_and_deleted(administrator: Client) -> None:
    assert post(administrator, "application-plans/create", name="5PerMin", per_minute="5").status_code == 302
    assert post(administrator, "application-plans/plan/5PerMin", per_minute="6").status_code == 302
    assert ApplicationPlan.objects.get(name="5PerMin").per_minute == 6
    assert post(administrator, "application-plans/plan/5PerMin/deletions").status_code == 302
    assert not ApplicationPlan.objects.filter(name="5PerMin").exists()


def test_a_deny_policy_is_added_switched_and_deleted(administrator: Client, carol: User) -> None:
    assert post(administrator, "deny-policies", kind="USER", value="carol", is_active="on").status_code == 302
    policy = DenyPolicy.objects.get()
    assert post(administrator, f"deny-policies/{policy.pk}/states", state="off").status_code == 302
    policy.refresh_from_db()
    assert not policy.is_active
    assert post(administrator, f"deny-policies/{policy.pk}/deletions").status_code == 302
    assert not DenyPolicy.objects.exists()


def test_a_deny_policy_that_names_nobody_says_so(administrator: Client) -> None:
    page = post(administrator, "deny-policies", kind="USER", value="nobody-here")
    assert page.status_code == 400
    assert b"There is nobody called nobody-here" in page.content


def test_a_service_account_shows_its_secret_once_and_gets_another(administrator: Client) -> None:
    made = post(administrator, "service-accounts", name="pipeline", roles=["creator"])
    first, again = (administrator.get(made["Location"], secure=True) for _ in range(2))
    secret = re.search(r'data-copy="([\w-]{43})"', first.content.decode())
    assert secret
    assert first["Cache-Control"].startswith("max-age=0")
    assert secret[1] not in again.content.decode()
    assert token(secret[1]) == 200
    renewed = post(administrator, made["Location"].removeprefix("/admin/") + "/secrets")
    assert renewed.status_code == 302
    assert token(secret[1]) == 401
    assert AccessToken.objects.count() == 1
    assert AuditEntry.objects.filter(verb="user.secret_regenerated").exists()


def token(secret: str) -> int:
    client_id = OAuthClient.objects.get(user__username="pipeline").client_id
    body = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return Client().post("/oauth2/token", body, secure=True).status_code
