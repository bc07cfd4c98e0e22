"""Two tabs, or two people, with the same form open."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from accounts.models import User
from devportal.models import Application
from tests.devportal import builders

PROFILE = {"first_name": "", "last_name": "", "email": "carol@example.test", "time_zone": "", "language": ""}


def opened(page: str) -> dict[str, str]:
    """The hidden field of a page that holds what its form was opened with."""
    found = re.search(r'name="opened" value="([^"]*)"', page)
    assert found
    return {"opened": unescape(found[1])}


@pytest.fixture
def browser(carol: User, client: Client) -> Client:
    client.force_login(carol)
    return client


def test_a_second_tab_keeps_what_the_first_has_saved(browser: Client, carol: User) -> None:
    page = browser.get("/devportal/account", secure=True).text
    for typed in ({"first_name": "Carol"}, {"last_name": "Müller"}):
        sent = {**PROFILE, **opened(page), **typed}
        assert browser.post("/devportal/account", sent, secure=True).status_code == 302
    assert User.objects.get(pk=carol.pk).get_full_name() == "Carol Müller"


def test_who_changes_the_same_is_told_and_may_insist(browser: Client, carol: User) -> None:
    page = browser.get("/devportal/account", secure=True).text
    browser.post("/devportal/account", {**PROFILE, **opened(page), "first_name": "Caro"}, secure=True)
    sent = {**PROFILE, **opened(page), "first_name": "Carola", "last_name": "Müller"}
    refused = browser.post("/devportal/account", sent, secure=True)
    assert (refused.status_code, User.objects.get(pk=carol.pk).get_full_name()) == (409, "Caro")
    assert "now it is “Caro”. Save again to put yours in its place." in refused.text
    assert 'value="Carola"' in refused.text
    browser.post("/devportal/account", {**sent, **opened(refused.text)}, secure=True)
    assert User.objects.get(pk=carol.pk).get_full_name() == "Carola Müller"


def test_an_application_keeps_what_another_tab_has_saved(browser: Client, carol: User) -> None:
    found = builders.application(carol, name="Chat")
    address = f"/devportal/applications/{found.pk}/edit"
    page = browser.get(address, secure=True).text
    typed = {"name": "Chat", "description": "", "token_type": "JWT", "plan": found.plan.name}
    browser.post(address, {**typed, **opened(page), "description": "For people\r\nwho talk."}, secure=True)
    browser.post(address, {**typed, **opened(page), "name": "Talk"}, secure=True)
    row = Application.objects.get(pk=found.pk)
    assert (row.name, row.description.split()) == ("Talk", ["For", "people", "who", "talk."])
    for nonsense in ("", "[]", "{", "null"):
        assert browser.post(address, {**typed, "opened": nonsense}, secure=True).status_code == 302
