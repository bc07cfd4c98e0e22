"""Approvals: what waits stands in one place, is decided once, and its owner reads why."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts import installation
from accounts.models import InstallationSettings, Notification, User
from devportal import operations
from devportal.models import Application, Subscription
from devportal.operations.applications import ApplicationDecided, NotApproved
from devportal.operations.approvals import QUEUES
from devportal.operations.tokens import KeysNotApproved
from tests.devportal import builders
from tests.devportal.builders import NOW
from tests.devportal.conftest import Browser


@pytest.fixture
def waiting(carol: User, admin: User) -> Application:
    """An application of Carol's that waits for approval."""
    InstallationSettings.objects.create(pk=1, approve_applications=True)
    installation.forget()
    return builders.application(carol, "Chat")


def test_an_application_that_waits_has_no_keys_until_it_is_approved(
    waiting: Application, carol: User, admin: User
) -> None:
    assert Notification.objects.get(user=admin).sentence == "Chat of carol waits to be approved."
    with pytest.raises(NotApproved, match="waits for an administrator"):
        builders.keys(waiting)
    by = {"actor": admin, "now": NOW}
    rejected = operations.decide_application(application=waiting, is_approved=False, reason="Say what for.", **by)
    with pytest.raises(NotApproved, match="Say what for"):
        builders.keys(rejected)
    fields = {"name": "Chat", "description": "For the shop", "plan": rejected.plan, "token_type": "JWT"}
    again = operations.update_application(application=rejected, **fields, actor=carol, now=NOW)
    assert (again.approval, again.decision) == ("CREATED", "")
    approved = operations.decide_application(application=again, is_approved=True, **by)
    assert builders.keys(approved).secret
    with pytest.raises(ApplicationDecided):
        operations.decide_application(application=approved, is_approved=False, **by)
    assert Notification.objects.filter(user=carol).count() == 2


@pytest.fixture
def keys_wait(admin: User) -> None:
    """Production keys have to be approved."""
    InstallationSettings.objects.create(pk=1, approve_keys=True)
    installation.forget()


def test_production_keys_that_wait_get_no_token_until_they_are_approved(
    keys_wait: None, carol: User, admin: User, client: Client
) -> None:
    app = builders.application(carol, "Chat")
    sandbox, made = builders.keys(app, "SANDBOX"), builders.keys(app)
    assert "Production keys of Chat of carol wait to be approved." in Notification.objects.get(user=admin).sentence
    assert operations.generate_token(client=sandbox.client, actor=carol, now=NOW)

    def asks() -> int:
        given = {"grant_type": "client_credentials", "client_id": made.client.client_id, "client_secret": made.secret}
        return client.post("/oauth2/token", given, secure=True).status_code

    assert asks() == 401
    with pytest.raises(KeysNotApproved, match="wait for an administrator"):
        operations.generate_token(client=made.client, actor=carol, now=NOW)
    client.force_login(carol)
    page = client.get(f"/devportal/applications/{app.pk}/keys/production", secure=True).content.decode()
    assert "wait for an administrator" in page
    assert "Generate token" not in page
    address = f"/api/am/devportal/v3/applications/{app.pk}/oauth-keys/{made.client.pk}"
    assert client.get(address, secure=True).json()["keyState"] == "CREATED"

    client.force_login(admin)
    decide = f"/admin/approvals/keys/{made.client.pk}/decisions"
    client.post(decide, {"decision": "reject", "reason": "Which server?"}, secure=True)
    made.client.refresh_from_db()
    assert "They say: Which server?" in made.client.reason
    terms = {"grant_types": ["client_credentials"], "callback_url": "", "token_seconds": 60}
    operations.update_keys(client=made.client, **terms, actor=carol, now=NOW)
    (workflow,) = client.get("/api/am/admin/v4/workflows", secure=True).json()["list"]
    assert workflow["workflowType"] == "AM_APPLICATION_REGISTRATION_PRODUCTION"
    assert workflow["description"] == "Production keys of application Chat of carol."
    rest = f"/api/am/admin/v4/workflows/update-workflow-status?workflowReferenceId={workflow['referenceId']}"
    assert client.post(rest, {"status": "APPROVED"}, "application/json", secure=True).status_code == 200

    assert asks() == 200
    assert "keys of Chat are approved" in Notification.objects.filter(user=carol).latest("pk").sentence


def test_trying_out_says_that_keys_wait(keys_wait: None, carol: User, bob: User) -> None:
    api = builders.api(bob)
    builders.application(carol)
    begun = operations.start(api=api, actor=carol, now=NOW)
    assert begun.client is None
    assert "as soon as an administrator approves the keys" in str(begun)


def test_everything_that_waits_stands_on_one_page_and_over_rest(
    client: Client, waiting: Application, admin: User, alice: User, carol: User
) -> None:
    builders.plan("Slow", requires_approval=True)
    held = builders.subscription(builders.application(admin), builders.api(alice, plans=("Slow",)), "Slow")
    newcomer = User.objects.create(username="erin", awaits_approval=True, is_active=False)
    client.force_login(admin)
    page = client.get("/admin/approvals", secure=True).content.decode()
    assert all(words in page for words in ("erin", "Chat", "EchoWebSocket"))
    listed = client.get("/api/am/admin/v4/workflows", secure=True).json()["list"]
    assert [each["workflowType"] for each in listed] == [
        "AM_USER_SIGNUP",
        "AM_APPLICATION_CREATION",
        "AM_SUBSCRIPTION_CREATION",
    ]
    address = f"/admin/approvals/subscriptions/{held.pk}/decisions"
    client.post(address, {"decision": "reject", "reason": "Too fast"}, secure=True)
    assert Subscription.objects.get(pk=held.pk).reason == "The publisher has rejected it. They say: Too fast"
    client.post(f"/admin/approvals/accounts/{newcomer.pk}/decisions", {"decision": "approve"}, secure=True)
    newcomer.refresh_from_db()
    assert newcomer.is_active
    reference = next(each["referenceId"] for each in listed if each["workflowType"] == "AM_APPLICATION_CREATION")
    decide = f"/api/am/admin/v4/workflows/update-workflow-status?workflowReferenceId={reference}"
    body = {"status": "APPROVED"}
    statuses = [client.post(decide, body, "application/json", secure=True).status_code for _ in range(2)]
    assert statuses == [200, 404]
    assert client.get("/api/am/admin/v4/workflows", secure=True).json()["count"] == 0
    assert client.get("/api/am/admin/v4/workflows/AM_USER_SIGNUP:x", secure=True).status_code == 404


def test_a_reason_that_cannot_be_taken_is_kept_beside_what_it_is_about(
    waiting: Application, carol: User, admin: User, browser: Browser
) -> None:
    waits, other = waiting, builders.application(carol, "Waits too")
    queue = next(name for name, each in QUEUES.items() if each.title == "Applications")
    at = reverse("devportal-admin:decisions", args=[queue, waits.pk])
    answer = browser(admin).post(at, {"decision": "reject", "reason": "Too\u202e many"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert f'id="problem-{waits.pk}"' in page
    assert f'id="problem-{other.pk}"' not in page
    assert "Too\u202e many" in page
    assert set(Application.objects.values_list("approval", flat=True)) == {"CREATED"}
