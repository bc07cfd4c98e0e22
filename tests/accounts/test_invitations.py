"""People who are invited by e-mail."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail, signing
from django.test import Client
from django.utils import timezone

from accounts import operations
from accounts.models import Invitation, User
from accounts.roles import Role
from core.models import AuditEntry

EMAIL = "erin@example.test"
FIELDS = {"username": "erin", "password": "another horse battery staple"}
PAGE = "/admin/invitations"


@pytest.fixture
def office(admin: User, client: Client) -> Client:
    """The administrator's browser."""
    client.force_login(admin)
    return client


def invite(office: Client, email: str = EMAIL, roles: tuple[str, ...] = ("creator",)) -> str:
    return office.post(PAGE, {"email": email, "roles": roles}, secure=True, follow=True).text


def links() -> list[str]:
    operations.deliver_mail(now=timezone.now())
    found = [re.search(r"https://localhost:9443(/\S+/invitations/\S+)", str(each.body)) for each in mail.outbox]
    return [each[1] for each in found if each]


def test_a_link_makes_one_account_with_the_roles_and_a_confirmed_address(
    office: Client, settings: LazySettings
) -> None:
    settings.MAIL = True
    assert "on its way to erin@example.test" in invite(office, roles=("creator", "subscriber"))
    assert EMAIL in office.get(PAGE, secure=True).text
    (link,) = links()
    erin = Client()
    assert "You are invited" in erin.get(link, secure=True).text
    taken = erin.post(link, {**FIELDS, "username": "admin"}, secure=True)
    assert (taken.status_code, "is taken" in taken.text) == (400, True)
    assert erin.post(link, FIELDS, secure=True)["Location"] == "/publisher/"
    user = User.objects.get(username="erin")
    assert (user.roles, user.may_be_mailed) == ({Role.CREATOR, Role.SUBSCRIBER}, True)
    assert erin.get("/publisher/apis", secure=True).status_code == 200
    again = Client().post(link, {**FIELDS, "username": "mallory"}, secure=True)
    assert (again.status_code, User.objects.filter(username="mallory").exists()) == (404, False)
    assert list(AuditEntry.objects.filter(kind="invitation").order_by("pk").values_list("verb", flat=True)) == [
        "invitation.sent",
        "invitation.accepted",
    ]


def test_without_e_mail_the_link_is_shown_once_and_confirms_no_address(office: Client) -> None:
    page = invite(office, roles=("subscriber",))
    link = re.search(r'data-copy="https://localhost:9443([^"]+)"', page)[1]  # type: ignore[index]
    assert link not in office.get(PAGE, secure=True).text
    assert Client().post(link, FIELDS, secure=True)["Location"] == "/devportal/"
    assert not User.objects.get(username="erin").may_be_mailed


def test_another_link_voids_the_first_and_a_withdrawal_all(office: Client, settings: LazySettings) -> None:
    settings.MAIL = True
    invite(office)
    pk = Invitation.objects.get().pk
    office.post(f"{PAGE}/{pk}/sendings", secure=True)
    first, second = links()
    assert [Client().get(link, secure=True).status_code for link in (first, second)] == [404, 200]
    office.post(f"{PAGE}/{pk}/withdrawals", secure=True)
    assert Client().post(second, FIELDS, secure=True).status_code == 404
    assert office.post(f"{PAGE}/{pk}/sendings", secure=True).status_code == 404


def test_a_link_is_over_after_seven_days_and_cannot_be_made_up(
    office: Client, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL = True
    invite(office)
    (link,) = links()
    forged = signing.dumps({"invitation": Invitation.objects.get().pk, "round": 0, "mailed": True}, salt="another")
    assert Client().get(f"/devportal/invitations/{forged}", secure=True).status_code == 404
    monkeypatch.setattr(operations.invitations, "INVITED_FOR", timedelta(seconds=-1))
    assert Client().get(link, secure=True).status_code == 404


@pytest.mark.parametrize(
    ("email", "roles", "sentence"),
    [
        ("Erin@Example.test", ("creator",), "was invited already"),
        ("carol@example.test", ("creator",), "carol has this address"),
        ("mallory@example.test", (), "Tick at least one role"),
        ("mallory@example.test", ("emperor",), "There is no role called emperor"),
        ("not an address", ("creator",), "This is not an e-mail address"),
    ],
)
def test_an_invitation_that_cannot_be_says_why(
    office: Client, carol: User, email: str, roles: tuple[str, ...], sentence: str
) -> None:
    invite(office)
    assert sentence in invite(office, email, roles)
    assert Invitation.objects.count() == 1


def test_no_more_are_invited_than_anybody_looks_through(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations.invitations, "MOST_INVITED", 0)
    assert "invitations wait already" in invite(office)
