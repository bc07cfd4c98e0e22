"""Secrets between two requests: opened once, in the browser that asked, for a short while."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest, HttpResponse

from core import one_time_secret


class Browser:
    """A session and the cookies of one browser."""

    def __init__(self) -> None:
        self.session = SessionStore()
        self.cookies: dict[str, str] = {}

    def request(self) -> HttpRequest:
        request = HttpRequest()
        request.session = self.session
        request.COOKIES = dict(self.cookies)
        return request

    def seal(self, name: str, secret: str) -> HttpResponse:
        response = HttpResponse()
        one_time_secret.seal(self.request(), response, name, secret)
        self.cookies |= {key: morsel.value for key, morsel in response.cookies.items()}
        return response

    def open(self, name: str) -> str | None:
        return one_time_secret.open_once(self.request(), name)


def test_a_secret_is_read_once() -> None:
    browser = Browser()
    browser.seal("token:1", "the secret")
    assert browser.open("token:1") == "the secret"
    assert browser.open("token:1") is None


def test_what_was_never_sealed_is_none() -> None:
    assert Browser().open("token:1") is None


def test_several_secrets_wait_beside_each_other() -> None:
    browser = Browser()
    browser.seal("secret:1", "one")
    browser.seal("token:1", "two")
    assert (browser.open("token:1"), browser.open("secret:1")) == ("two", "one")


def test_the_session_holds_nothing_readable() -> None:
    browser = Browser()
    browser.seal("token:1", "the secret")
    assert "the secret" not in str(dict(browser.session.items()))


@pytest.mark.parametrize("cookie", [None, "", "nonsense", "A" * 43 + "="])
def test_without_the_browsers_key_the_secret_is_lost_not_shown(cookie: str | None) -> None:
    browser = Browser()
    browser.seal("token:1", "the secret")
    browser.cookies = {} if cookie is None else dict.fromkeys(browser.cookies, cookie)
    assert browser.open("token:1") is None


def test_a_broken_key_is_replaced_by_a_new_one() -> None:
    browser = Browser()
    browser.cookies = {"__Host-apim-one-time": "nonsense"}
    browser.seal("token:1", "the secret")
    assert browser.open("token:1") == "the secret"


def test_the_key_is_out_of_reach_of_scripts_and_plain_http() -> None:
    (morsel,) = Browser().seal("token:1", "x").cookies.values()
    assert (morsel["httponly"], morsel["secure"], morsel["path"]) == (True, True, "/")
    assert morsel["max-age"] == one_time_secret.KEEPS_SECONDS


def test_secrets_that_nobody_fetches_do_not_pile_up() -> None:
    browser = Browser()
    for number in range(20):
        browser.seal(f"token:{number}", "x")
    assert len(browser.session[one_time_secret.SESSION_KEY]) == one_time_secret.MOST_KEPT
    assert browser.open("token:19") == "x"


def test_a_secret_that_waited_too_long_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser()
    browser.seal("token:1", "x")
    monkeypatch.setattr("cryptography.fernet.time.time", lambda: 4_000_000_000)
    assert browser.open("token:1") is None
