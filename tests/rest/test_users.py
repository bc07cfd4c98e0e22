"""Users and roles over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import Passkey, User
from accounts.roles import Role
from core.models import AuditEntry

USERS = "/api/am/admin/v4/users"


@pytest.fixture
def administrator(admin: User, signed_in: Callable[[User], Client]) -> Client:
    """The administrator's session."""
    return signed_in(admin)


def _send(client: Client, method: str, address: str, body: Any = None) -> Any:
    return getattr(client, method)(address, body, content_type="application/json")


def test_a_user_lives_their_life(administrator: Client) -> None:
    made = _send(administrator, "post", USERS, {"username": "erin", "email": "e@example.test", "roles": ["creator"]})
    body = made.json()
    password, address = body.pop("password"), made["Location"]
    assert (made.status_code, made["Cache-Control"], address) == (201, "no-store", f"{USERS}/{body['userId']}")
    assert administrator.get(address).json() == body
    assert (body["roles"], body["enabled"], body["mustChangePassword"]) == (["creator"], True, True)
    assert User.objects.get(username="erin").check_password(password)

    changed = _send(administrator, "patch", address, {"roles": ["publisher", "subscriber"], "enabled": False})
    assert (changed.status_code, changed.json()["roles"], changed.json()["enabled"]) == (
        200,
        ["publisher", "subscriber"],
        False,
    )
    assert _send(administrator, "patch", address, {"enabled": False}).status_code == 200
    reset = administrator.post(f"{address}/password-resets")
    assert (reset.status_code, reset["Cache-Control"]) == (201, "no-store")
    assert User.objects.get(username="erin").check_password(reset.json()["password"])
    assert administrator.delete(f"{address}/sessions").status_code == 200
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == [
        "user.created",
        "user.roles_changed",
        "user.disabled",
        "user.password_reset",
        "user.sessions_ended",
    ]


def test_a_lost_second_factor_is_taken_away_once(administrator: Client, carol: User) -> None:
    address = f"{USERS}/{carol.pk}/second-factor"
    assert administrator.delete(address).status_code == 409
    at = {"created_at": carol.date_joined, "challenged_at": carol.date_joined}
    Passkey.objects.create(user=carol, name="Laptop", credential_id="1", credential=b"1", handle=b"1", **at)
    assert administrator.delete(address).status_code == 200
    assert not Passkey.objects.exists()
    assert AuditEntry.objects.get(verb="user.second_factor_reset").detail["username"] == "carol"


def test_the_list_is_searched_and_narrowed(administrator: Client, alice: User, carol: User) -> None:
    def names(query: str) -> list[str]:
        return [each["username"] for each in administrator.get(f"{USERS}?{query}").json()["list"]]

    assert names("") == ["admin", "alice", "carol"]
    assert names("query=CAR") == ["carol"]
    assert names("role=creator") == ["alice"]
    assert administrator.get(f"{USERS}?role=king").status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"roles": ["creator"]}, "username"),
        ({"username": "erin"}, "roles"),
        ({"username": "erin", "roles": ["king"]}, "roles"),
        ({"username": "carol", "roles": []}, "username"),
        ({"username": "two words", "roles": []}, "username"),
        ({"username": "erin", "roles": [], "email": "nonsense"}, "email"),
        ({"username": "erin", "roles": [], "password": "mine"}, "password"),
        ({"username": "erin", "roles": [], "enabled": True}, "enabled"),
    ],
)
def test_what_cannot_be_taken_is_named(administrator: Client, carol: User, body: Any, field: str) -> None:
    refused = _send(administrator, "post", USERS, body)
    assert (refused.status_code, field in str(refused.json())) == (400, True)


def test_the_last_administrator_stays(administrator: Client, admin: User) -> None:
    for body in ({"enabled": False}, {"roles": ["creator"]}):
        refused = _send(administrator, "patch", f"{USERS}/{admin.pk}", body)
        assert (refused.status_code, "last administrator" in refused.json()["description"]) == (409, True)
    assert User.objects.get(pk=admin.pk).roles == {Role.ADMIN}


def test_a_user_who_is_not_there_is_404(administrator: Client) -> None:
    assert administrator.get(f"{USERS}/99999").status_code == 404
    assert administrator.get(f"{USERS}/99999999999999999999").status_code == 404


INVITATIONS = "/api/am/admin/v4/invitations"


def test_somebody_is_invited_reminded_and_forgotten(administrator: Client, settings: LazySettings) -> None:
    made = _send(administrator, "post", INVITATIONS, {"email": "erin@example.test", "roles": ["creator"]})
    body = made.json()
    link, address = body.pop("link"), made["Location"]
    assert (made.status_code, made["Cache-Control"], address) == (
        201,
        "no-store",
        f"{INVITATIONS}/{body['invitationId']}",
    )
    assert (body["roles"], body["invitedBy"]) == (["creator"], "admin")
    assert administrator.get(address).json() == administrator.get(INVITATIONS).json()["list"][0] == body
    path = link.removeprefix(settings.PORTAL_URL)
    assert Client().get(path, secure=True).status_code == 200

    settings.MAIL = True
    again = _send(administrator, "post", f"{address}/sendings")
    assert (again.status_code, again.json()["link"]) == (201, None)
    assert Client().get(path, secure=True).status_code == 404
    refused = _send(administrator, "post", INVITATIONS, {"email": "ERIN@example.test", "roles": ["creator"]})
    assert (refused.status_code, "invited already" in refused.text) == (400, True)
    assert _send(administrator, "post", INVITATIONS, {"email": "d@example.test", "roles": []}).status_code == 400

    assert administrator.delete(address).status_code == 200
    assert [administrator.delete(address).status_code, administrator.get(address).status_code] == [404, 404]
    assert administrator.get(INVITATIONS).json()["count"] == 0
