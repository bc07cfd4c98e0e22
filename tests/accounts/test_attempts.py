"""How often one address may sign in wrongly or sign up, whatever the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client

from accounts.hashers import TooManyPasswords
from accounts.models import User

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _forgetful(settings: LazySettings) -> Iterator[None]:
    settings.FAILED_SIGN_INS_PER_ADDRESS = settings.SIGN_UPS_PER_ADDRESS = 3
    cache.clear()
    yield
    cache.clear()


def _sign_in(client: Client, name: str, password: str = PASSWORD[:5], address: str = "192.0.2.1") -> Any:
    fields = {"username": name, "password": password}
    return client.post("/devportal/sign-in", fields, secure=True, REMOTE_ADDR=address)


def _sign_up(name: str, password: str = PASSWORD, address: str = "192.0.2.1") -> Any:
    fields = {"username": name, "password": password}
    return Client().post("/devportal/sign-up", fields, secure=True, REMOTE_ADDR=address)


def test_an_address_that_tries_many_names_has_to_wait(client: Client, bob: User) -> None:
    statuses = [_sign_in(client, f"name{number}").status_code for number in range(3)]
    held = _sign_in(client, "bob", PASSWORD)

    assert (statuses, held.status_code, held["Retry-After"]) == ([400] * 3, 429, "900")
    assert "Too many names or passwords were wrong from your address. Wait 15 minutes" in held.text
    assert _sign_in(client, "bob", PASSWORD, "192.0.2.2").status_code == 302


def test_it_costs_no_hash_to_turn_such_an_address_away(
    client: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        _sign_in(client, f"name{number}")
    monkeypatch.setattr(User, "check_password", lambda *_: pytest.fail("hashed"))
    monkeypatch.setattr(User, "set_password", lambda *_: pytest.fail("hashed"))

    assert _sign_in(client, "bob").status_code == _sign_in(client, "nobody").status_code == 429


def test_who_signs_in_rightly_may_do_so_as_often_as_they_like(bob: User) -> None:
    assert {_sign_in(Client(), "bob", PASSWORD).status_code for _ in range(5)} == {302}


def test_of_ipv6_the_network_counts(client: Client, bob: User) -> None:
    for number in range(3):
        _sign_in(client, f"name{number}", address=f"2001:db8::{number + 1}")

    assert _sign_in(client, "bob", PASSWORD, "2001:db8::99").status_code == 429
    assert _sign_in(client, "bob", PASSWORD, "2001:db8:0:1::1").status_code == 302


def test_an_address_makes_so_many_accounts_and_no_more(db: None) -> None:
    statuses = [_sign_up(f"developer{number}").status_code for number in range(4)]

    assert statuses == [302, 302, 302, 429]
    assert User.objects.count() == 3
    assert _sign_up("developer9", address="192.0.2.2").status_code == 302


def test_a_sign_up_that_was_refused_does_not_count(db: None) -> None:
    statuses = [_sign_up("developer", "short").status_code for _ in range(5)]

    assert set(statuses) == {400}
    assert _sign_up("developer").status_code == 302


def test_where_too_many_wait_the_page_says_when_to_come_back(
    client: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> bool:
        raise TooManyPasswords

    monkeypatch.setattr(User, "check_password", busy)
    held = _sign_in(client, "bob", PASSWORD)

    assert (held.status_code, held["Retry-After"]) == (503, "5")
    assert "Try again in a few seconds" in held.text
    monkeypatch.undo()
    for _ in range(5):
        monkeypatch.setattr(User, "check_password", busy)
        assert _sign_in(client, "bob", PASSWORD).status_code == 503, "what was our own fault does not count"
        monkeypatch.undo()
    assert _sign_in(client, "bob", PASSWORD).status_code == 302
