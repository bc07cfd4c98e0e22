"""Approvals: what waits stands in one place, is decided once, and its owner reads why."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import installation
from accounts.models import InstallationSettings, Notification, User
from devportal import operations
from devportal.models import Application, Subscription
from devportal.operations.applications import ApplicationDecided, NotApproved
from tests.devportal import builders
from tests.devportal.builders import NOW


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
    approved = operations.decide_application(application=rejected, is_approved=True, **by)
    assert builders.keys(approved).secret
    with pytest.raises(ApplicationDecided):
        operations.decide_application(application=approved, is_approved=False, **by)
    assert Notification.objects.filter(user=carol).count() == 2


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
    client.post(f"/admin/approvals/{newcomer.pk}/decisions", {"decision": "approve"}, secure=True)
    newcomer.refresh_from_db()
    assert newcomer.is_active
    reference = next(each["referenceId"] for each in listed if each["workflowType"] == "AM_APPLICATION_CREATION")
    decide = f"/api/am/admin/v4/workflows/update-workflow-status?workflowReferenceId={reference}"
    body = {"status": "APPROVED"}
    statuses = [client.post(decide, body, "application/json", secure=True).status_code for _ in range(2)]
    assert statuses == [200, 404]
    assert client.get("/api/am/admin/v4/workflows", secure=True).json()["count"] == 0
    assert client.get("/api/am/admin/v4/workflows/AM_USER_SIGNUP:x", secure=True).status_code == 404
