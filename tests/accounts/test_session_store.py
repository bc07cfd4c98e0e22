"""Sessions at rest: the table holds nothing that a browser could show."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.sessions import SessionStore, at_rest

PASSWORD = "correct horse battery staple"
migration = import_module("accounts.migrations.0009_session_keys_are_hashed")


def _sign_in(client: Client) -> str:
    client.post("/publisher/sign-in", {"username": "bob", "password": PASSWORD}, secure=True)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_the_key_in_the_cookie_is_not_in_the_table(client: Client, bob: User) -> None:
    key = _sign_in(client)

    assert client.get("/publisher/apis", secure=True).status_code == 200
    assert list(Session.objects.values_list("session_key", flat=True)) == [at_rest(key)]


def test_what_stands_in_the_table_opens_nothing(client: Client, bob: User) -> None:
    _sign_in(client)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = Session.objects.get().session_key

    assert thief.get("/publisher/apis", secure=True).status_code == 302


def test_signing_out_deletes_the_row(client: Client, bob: User) -> None:
    _sign_in(client)
    client.post("/publisher/sign-out", secure=True)

    assert not Session.objects.exists()


@pytest.mark.django_db
def test_a_new_key_leaves_no_row_of_the_old_one_behind() -> None:
    store = SessionStore()
    store["thing"] = "kept"
    store.create()
    before = store.session_key
    store.cycle_key()
    store.save()

    assert store.session_key != before
    assert Session.objects.get().session_key == at_rest(str(store.session_key))
    assert SessionStore(store.session_key)["thing"] == "kept"


@pytest.mark.django_db
def test_a_session_of_before_goes_on() -> None:
    before = db.SessionStore()
    before["thing"] = "kept"
    before.create()
    assert SessionStore(before.session_key).get("thing") is None
    editor = SimpleNamespace(connection=connection)
    migration.hash_keys(apps, editor)
    migration.hash_keys(apps, editor)  # what is hashed stays as it is

    assert SessionStore(before.session_key)["thing"] == "kept"
    assert not Session.objects.filter(session_key=before.session_key).exists()


@pytest.mark.django_db
def test_no_way_of_django_s_writes_the_key_in_clear() -> None:
    async def story() -> SessionStore:
        store = SessionStore()
        await store.acreate()
        await store.aset("thing", "kept")
        await store.asave()
        assert await store.aexists(str(store.session_key))
        assert await SessionStore(store.session_key).aget("thing") == "kept"
        return store

    store = async_to_sync(story)()
    assert list(Session.objects.values_list("session_key", flat=True)) == [at_rest(str(store.session_key))]
    assert store.exists(str(store.session_key))
    async_to_sync(store.adelete)()
    assert not Session.objects.exists()
