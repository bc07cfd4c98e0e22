"""The first start, and the password that must not stay."""

import datetime as dt

import pytest
from django.test import Client

from accounts import operations
from accounts.bootstrap import ensure_administrator
from accounts.default_password import default_password_stands
from accounts.models import User
from accounts.roles import EVERY_ROLE
from core.models import AuditEntry

NOW = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.UTC)
NEW = "a wholly different phrase"


@pytest.mark.django_db
def test_the_first_start_creates_an_administrator_with_every_role() -> None:
    assert ensure_administrator(now=NOW)
    first = User.objects.get()
    assert (first.username, first.roles, first.must_change_password) == ("admin", EVERY_ROLE, True)
    assert first.check_password("admin")
    assert AuditEntry.objects.get().actor_name == "system"


@pytest.mark.django_db
def test_the_second_start_creates_nobody() -> None:
    ensure_administrator(now=NOW)
    assert not ensure_administrator(now=NOW)
    assert User.objects.count() == 1


def test_where_there_is_anybody_no_administrator_appears(carol: User) -> None:
    assert not ensure_administrator(now=NOW)


@pytest.mark.django_db
def test_the_default_password_stands_until_it_is_changed() -> None:
    assert not default_password_stands()
    ensure_administrator(now=NOW)
    assert default_password_stands()
    first = User.objects.get()
    operations.change_password(user=first, new_password=NEW, current_password="admin", actor=first, now=NOW)
    assert not default_password_stands()


@pytest.mark.django_db
def test_a_disabled_administrator_opens_no_door() -> None:
    ensure_administrator(now=NOW)
    User.objects.update(is_active=False)
    assert not default_password_stands()


def warned(client: Client) -> bool:
    page = client.get("/devportal/account", secure=True)
    return "still has the password it was installed with" in page.text


def test_administrators_are_warned_on_every_page_until_the_password_is_changed(bob: User, client: Client) -> None:
    User.objects.exclude(pk=bob.pk).delete()
    first = operations_admin()
    client.force_login(first)
    assert warned(client)
    client.force_login(bob)
    assert not warned(client)
    operations.change_password(user=first, new_password=NEW, current_password="admin", actor=first, now=NOW)
    client.force_login(first)
    assert not warned(client)


def operations_admin() -> User:
    """The administrator of a first start, in an installation that has other people by now."""
    others = list(User.objects.all())
    User.objects.all().delete()
    ensure_administrator(now=NOW)
    User.objects.bulk_create(others)
    return User.objects.get(username="admin")


@pytest.mark.django_db
def test_the_first_administrator_goes_straight_in_and_others_choose_a_password_first(client: Client) -> None:
    ensure_administrator(now=NOW)
    first = User.objects.get()
    fields = {"username": "admin", "password": "admin"}
    assert client.post("/devportal/sign-in", fields, secure=True)["Location"] == "/devportal/"
    operations.create_user(username="dora", password=NEW, roles=[], actor=first, now=NOW)
    fields = {"username": "dora", "password": NEW}
    answer = Client().post("/devportal/sign-in", fields, secure=True)
    assert answer["Location"] == "/devportal/account/password?next=%2Fdevportal%2F"
