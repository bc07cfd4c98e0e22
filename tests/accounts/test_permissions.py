"""How a rule speaks: one class, one sentence, and whom to ask."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from accounts.models import User
from accounts.permissions import RoleRequired, asks, require_change_account, require_manage_users, require_role
from accounts.roles import Role


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ((Role.PUBLISHER,), "Painting needs the publisher role. Ask an administrator to give it to you."),
        ((Role.PUBLISHER, Role.CREATOR), "Painting needs the creator or publisher role. Ask an administrator to give"),
        ((Role.ADMIN,), "Painting needs the admin role. Ask an administrator."),
    ],
)
def test_a_refusal_names_the_roles_that_would_do(carol: User, roles: tuple[Role, ...], sentence: str) -> None:
    with pytest.raises(RoleRequired) as refusal:
        require_role(carol, *roles, to="Painting")
    assert str(refusal.value).startswith(sentence)
    assert set(refusal.value.needed) == set(roles)


def test_nobody_holds_a_role() -> None:
    with pytest.raises(RoleRequired):
        require_role(AnonymousUser(), *Role, to="Painting")


def test_a_button_is_drawn_exactly_where_the_rule_lets_pass(admin: User, carol: User) -> None:
    can_manage_users = asks(require_manage_users)
    assert (can_manage_users(admin), can_manage_users(carol)) == (True, False)


def test_everybody_changes_their_own_account_and_administrators_anybodys(admin: User, carol: User, bob: User) -> None:
    may = asks(require_change_account)
    assert (may(carol, of=carol), may(admin, of=carol), may(bob, of=carol)) == (True, True, False)
    carol.is_active = False
    assert not may(carol, of=carol)


def test_the_page_of_a_refusal_says_what_for_and_whom_to_ask(client: Client, carol: User, admin: User) -> None:
    client.force_login(carol)
    page = client.get("/publisher/apis/create")
    body = " ".join(page.text.split())
    assert page.status_code == 403
    assert "Opening this page is for people with this role" in body
    assert "Ask <bdi>admin</bdi>, who can give it to you" in body
