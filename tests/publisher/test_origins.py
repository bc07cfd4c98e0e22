"""From which web pages an API may be called: what may be written, and who is let in."""

from __future__ import annotations

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.permissions import RoleRequired
from core.errors import Invalid
from core.values import BadValue
from publisher import operations, snapshots
from publisher.models import Api
from publisher.origins import MAXIMUM_ORIGINS, Origins, clean_origin, clean_origins, console_pass
from tests.publisher.builders import NOW, RUNTIME, make_api

LISTED = Origins(("https://app.example.com", "https://*.example.org", "http://localhost:3000"))


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("https://app.example.com", "https://app.example.com"),
        (" HTTPS://App.Example.com:443 ", "https://app.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://*.example.com:8443", "https://*.example.com:8443"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(typed: str, written: str) -> None:
    assert clean_origin(typed) == written
    assert clean_origin(written) == written


@pytest.mark.parametrize(
    ("typed", "word", "suggestion"),
    [
        ("app.example.com", "scheme", "https://app.example.com"),
        ("wss://app.example.com", "scheme", "https://app.example.com"),
        ("ws://localhost:3000", "scheme", "http://localhost:3000"),
        ("https://app.example.com/", "slash", "https://app.example.com"),
        ("https://app.example.com/page?a=1#b", "path", "https://app.example.com"),
        ("https://carol:secret@app.example.com", "user name", "https://app.example.com"),
        ("https://bücher.example", "ASCII", "https://xn--bcher-kva.example"),
        ("https://*.bücher.example:8443", "ASCII", "https://*.xn--bcher-kva.example:8443"),
        ("*", "leave the list empty", ""),
        ("null", "names nobody", ""),
        ("https://", "no host", ""),
        ("https://app.example.com:99999", "port", ""),
        ("https://app.example.com:0", "port 0", ""),
        ("https://*.com", "everybody", ""),
        ("https://*.192.0.2.1", "address", ""),
        ("https://a.*.example.com", "first part", ""),
        ("https://*", "first part", ""),
        ("https://a b.example.com", "host name", ""),
        ("https://a..example.com", "host name", ""),
        (f"https://{'a' * 260}.example.com", "255", ""),
    ],
)
def test_what_is_no_origin_is_refused_with_what_would_do(typed: str, word: str, suggestion: str) -> None:
    with pytest.raises(BadValue, match=word) as refused:
        clean_origin(typed)
    assert refused.value.suggestion == suggestion


def test_empty_lines_and_repetitions_are_left_out() -> None:
    assert clean_origins(["https://a.test", " ", "HTTPS://A.test:443", "https://b.test"]) == [
        "https://a.test",
        "https://b.test",
    ]


def test_a_refusal_says_which_of_several_it_is_about_and_suggests_nothing_in_place_of_all() -> None:
    with pytest.raises(BadValue, match=r"^wss://b\.test: .*Did you mean https://b\.test\?$") as refused:
        clean_origins(["https://a.test", "wss://b.test"])
    assert refused.value.suggestion == ""
    with pytest.raises(BadValue) as alone:
        clean_origins(["wss://b.test", " "])
    assert alone.value.suggestion == "https://b.test"


def test_there_is_an_end_to_a_list() -> None:
    with pytest.raises(BadValue, match=str(MAXIMUM_ORIGINS)):
        clean_origins([f"https://a{number}.test" for number in range(MAXIMUM_ORIGINS + 1)])


@pytest.mark.parametrize(
    "origin",
    [None, "https://app.example.com", "https://a.example.org", "https://a.b.example.org", "http://localhost:3000"],
)
def test_who_is_listed_or_no_browser_is_let_in(origin: str | None) -> None:
    assert LISTED.allow(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.mallory.test",
        "https://mallory.test/https://app.example.com",
        "https://app.example.com/",
        "https://evilexample.org",
        "https://example.org",
        "https://.example.org",
        "http://a.example.org",
        "https://a.example.org:444",
        "http://localhost",
        "http://localhost:3001",
        "https://mallory.test",
        "null",
        "",
        "garbage",
        "https://a:b:c",
        "https://app.example.com:port",
    ],
)
def test_who_is_not_listed_is_not(origin: str) -> None:
    assert not LISTED.allow(origin)


def test_while_nothing_is_listed_everybody_is_let_in() -> None:
    assert Origins().allow("https://anywhere.test")
    assert Origins().allow("null")


def test_of_the_portals_own_pages_the_console_is_always_let_in() -> None:
    origins = Origins(("https://a.test",), console=("https://portal.test:9443",))
    assert origins.allow("https://portal.test:9443", is_from_console=True)
    assert not origins.allow("https://portal.test:9443")
    assert not origins.allow("https://mallory.test", is_from_console=True)


def test_the_console_is_known_by_a_pass_for_the_very_token_that_it_shows() -> None:
    origins = Origins(("https://a.test",), console=("https://portal.test:9443",), console_key="key")
    shown = console_pass("key", "token")
    assert origins.is_console("token", shown)
    for token, other in (("another", shown), ("", shown), ("token", ""), ("token", shown[:-1])):
        assert not origins.is_console(token, other)
    assert not origins.is_console("token", console_pass("another key", "token"))
    assert not Origins(("https://a.test",)).is_console("token", console_pass("", "token")), "without a key nobody is"


@given(st.text(max_size=40))
def test_nothing_that_is_sent_as_an_origin_breaks_the_comparison(origin: str) -> None:
    assert LISTED.allow(origin) is (origin in {"https://app.example.com", "http://localhost:3000"}) or "." in origin


def test_a_creator_says_who_may_call_and_how(alice: User) -> None:
    api = make_api(alice)
    saved = operations.update_api(
        api=api, changes={"origins": ["https://App.example.com:443"], "query_token": False}, actor=alice, now=NOW
    )
    assert (saved.origins, saved.query_token) == (["https://app.example.com"], False)
    taken = snapshots.take(saved)
    assert (taken["origins"], taken["query_token"]) == (["https://app.example.com"], False)


def test_a_restored_revision_brings_the_runtime_settings_back(alice: User) -> None:
    api = make_api(alice)
    first = operations.create_revision(api=api, actor=alice, now=NOW)
    operations.update_api(api=api, changes={"origins": ["https://a.test"], "query_token": False}, actor=alice, now=NOW)
    restored = operations.restore_revision(api=api, revision=first, actor=alice, now=NOW)
    assert (restored.origins, restored.query_token) == ([], True)


def test_a_new_version_is_called_from_where_the_old_one_was(alice: User) -> None:
    api = operations.update_api(
        api=make_api(alice), changes={"origins": ["https://a.test"], "query_token": False}, actor=alice, now=NOW
    )
    copy = operations.create_version(api=api, version="2.0.0", actor=alice, now=NOW)
    assert (copy.origins, copy.query_token) == (["https://a.test"], False)


def test_a_bad_origin_is_refused_at_its_field(alice: User) -> None:
    with pytest.raises(Invalid) as refused:
        operations.update_api(
            api=make_api(alice), changes={"origins": ["https://a.test/path"], "query_token": True}, actor=alice, now=NOW
        )
    assert "https://a.test" in refused.value.fields["origins"]


def test_a_plain_publisher_does_not_change_the_design(alice: User, bob: User) -> None:
    with pytest.raises(RoleRequired):
        operations.update_api(api=make_api(alice), changes={"query_token": False}, actor=bob, now=NOW)


def test_the_page_saves_what_was_written_and_keeps_what_was_wrong(alice: User, client: Client) -> None:
    api = make_api(alice)
    client.force_login(alice)
    page = f"/publisher/apis/{api.pk}/runtime"
    sent = {"seen": api.updated_at.isoformat(), **RUNTIME}
    assert client.post(page, {**sent, "origins": "https://a.test\nhttps://*.b.test\n"}).status_code == 302
    row = Api.objects.get(pk=api.pk)
    assert (row.origins, row.query_token) == (["https://a.test", "https://*.b.test"], False)
    refused = client.post(page, {**sent, "seen": row.updated_at.isoformat(), "origins": "wss://c.test"})
    assert refused.status_code == 400
    assert b"wss://c.test" in refused.content
    assert b"https://c.test" in refused.content
    assert b"https://a.test" in client.get(page).content
