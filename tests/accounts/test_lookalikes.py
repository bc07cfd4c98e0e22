"""Nobody passes for somebody else, and nobody's password can be read off their name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts import operations
from accounts.models import User
from core.errors import Invalid

NOW = datetime(2026, 11, 27, 7, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


def _sign_up(name: str, password: str = PASSWORD) -> User:
    return operations.sign_up(username=name, password=password, email="dave@example.test", now=NOW)


@pytest.mark.parametrize("name", ["аdmin", "ａｄｍｉｎ", "AD𝑴IN", "adrnin", "аdmіn"])
def test_a_name_that_looks_like_somebodys_is_refused(admin: User, name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        _sign_up(name)
    assert refusal.value.fields["username"]
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["system", "System", "ѕystem", "SYSTEM", "..", ".", "@", "___", "-+-"])
def test_names_of_the_product_itself_and_names_of_signs_alone_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        _sign_up(name)
    assert refusal.value.fields["username"]
    assert not User.objects.exists()


def test_an_administrator_cannot_make_one_either(admin: User, carol: User) -> None:
    with pytest.raises(operations.UsernameLooksTaken):
        operations.create_user(username="caro1", password=PASSWORD, roles=[], actor=admin, now=NOW)


def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(client: Client, carol: User) -> None:
    page = client.post("/devportal/sign-up", {"username": "cаrol", "password": PASSWORD}, secure=True)
    assert page.status_code == 400
    assert "People would take cаrol for a name that is taken" in page.text
    assert 'value="cаrol"' in page.text


@pytest.mark.django_db
@pytest.mark.parametrize("names", [("Ärlig", "arlig"), ("иван", "ivan"), ("karl", "kari"), ("dave1", "dave2")])
def test_names_that_people_tell_apart_may_both_be_had(names: tuple[str, str]) -> None:
    assert {_sign_up(name).username for name in names} == set(names)


@pytest.mark.parametrize("other", ["alıce", "аlice", "ALICE", "a1ice"])
def test_look_alikes_are_no_way_around_the_throttle_on_guessing(client: Client, alice: User, other: str) -> None:
    for name in ("alice", other, "alice", other, other):
        last = client.post("/publisher/sign-in", {"username": name, "password": "wrong"}, secure=True)
    assert last.status_code == 429
    right = client.post("/publisher/sign-in", {"username": "alice", "password": PASSWORD}, secure=True)
    assert right.status_code == 429


def test_a_reset_password_lifts_the_throttle_of_a_name_with_look_alikes(
    client: Client, admin: User, mallory: User
) -> None:
    for _ in range(5):
        client.post("/devportal/sign-in", {"username": "ma11ory", "password": "wrong"}, secure=True)
    password = operations.reset_password(user=mallory, actor=admin, now=NOW)
    answer = client.post("/devportal/sign-in", {"username": "mallory", "password": password}, secure=True)
    assert answer.status_code == 302


def test_a_name_of_letters_that_look_like_many_is_counted_all_the_same(client: Client, db: None) -> None:
    answer = client.post("/devportal/sign-in", {"username": "ﷺ" * 150, "password": "wrong"}, secure=True)
    assert answer.status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("password", [
    "daisy-may12345",
    "12345daisy-may",
    "Daisy-May2026!",
    "yam-ysiad99999",
    "dаіsy-mаy!!!!!",
    "daisy-maydaisy-may",
    "ｄａｉｓｙ-ｍａｙ12345",
])  # fmt: skip
def test_a_password_that_is_little_more_than_the_name_is_refused(password: str) -> None:
    with pytest.raises(operations.WeakPassword):
        _sign_up("daisy-may", password)
    _sign_up("erin", password)  # somebody else's name is no help to anybody


@pytest.mark.django_db
def test_a_long_password_may_hold_the_name() -> None:
    assert _sign_up("dave", "dave-likes-purple-tea").pk
    assert _sign_up("al", "malt-vinegar").pk, "a name too short to matter"


def test_the_rule_holds_for_a_changed_password_too(carol: User) -> None:
    with pytest.raises(operations.WeakPassword):
        operations.change_password(
            user=carol, new_password="carol12345", current_password=PASSWORD, actor=carol, now=NOW
        )
