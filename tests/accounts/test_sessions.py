"""Signing in and out, in both portals."""

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.models import User
from core.client_address import FORWARDED, X_FORWARDED_FOR, TrustedProxies
from core.middleware import ClientAddressMiddleware

PASSWORD = "correct horse battery staple"
SENTENCE = "Username or password is not right."


def sign_in(client: Client, name: str, password: str, portal: str = "publisher", **data: str):  # type: ignore[no-untyped-def]
    fields = {"username": name, "password": password, **data}
    return client.post(f"/{portal}/sign-in", fields, secure=True)


@pytest.mark.parametrize("portal", ["publisher", "devportal"])
def test_each_portal_has_its_own_sign_in_page_that_leads_into_it(client: Client, bob: User, portal: str) -> None:
    assert client.get(f"/{portal}/sign-in", secure=True).status_code == 200
    answer = sign_in(client, "bob", PASSWORD, portal)
    assert (answer.status_code, answer["Location"]) == (302, f"/{portal}/")
    assert client.session["_auth_user_id"] == str(bob.pk)


def test_who_is_signed_in_already_is_let_through(client: Client, bob: User) -> None:
    client.force_login(bob)
    assert client.get("/publisher/sign-in", secure=True)["Location"] == "/publisher/"
    assert client.get("/publisher/sign-in?next=/publisher/apis", secure=True).status_code == 200


def test_both_portals_share_one_session(client: Client, bob: User) -> None:
    sign_in(client, "bob", PASSWORD, "publisher")
    assert client.get("/devportal/account", secure=True).status_code == 200


def test_a_name_may_be_typed_in_any_case(client: Client, bob: User) -> None:
    assert sign_in(client, "BOB", PASSWORD).status_code == 302


def test_a_name_beyond_ascii_signs_in_as_it_was_made(client: Client, db: None) -> None:
    User.objects.create_user("Ärlig", password=PASSWORD)
    assert sign_in(client, "Ärlig", PASSWORD).status_code == 302


def test_wrong_name_wrong_password_and_disabled_person_get_the_same_answer(
    client: Client, bob: User, carol: User
) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)
    answers = [sign_in(client, name, given) for name, given in (("bob", "x"), ("nobody", "x"), ("carol", PASSWORD))]
    assert {answer.status_code for answer in answers} == {400}
    assert all(SENTENCE in answer.text for answer in answers)


def test_a_name_nobody_has_costs_as_much_hashing_as_one_that_somebody_has(
    client: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher

    hashed: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda *args, **kwargs: hashed.append("once") or encode(*args, **kwargs)
    )
    sign_in(client, "bob", "wrong")
    known = len(hashed)
    sign_in(client, "nobody", "wrong")
    assert known == len(hashed) - known > 0


def test_a_service_account_does_not_sign_in(client: Client, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_service=True)
    assert SENTENCE in sign_in(client, "bob", PASSWORD).text


def test_what_was_typed_stays_but_never_the_password(client: Client, bob: User) -> None:
    page = sign_in(client, "bob", "a wrong guess").text
    assert 'value="bob"' in page
    assert "a wrong guess" not in page


@pytest.mark.parametrize(("wanted", "way_on"), [
    ("/publisher/apis?q=echo", "/publisher/apis?q=echo"),
    ("https://evil.example/", "/publisher/"),
    ("//evil.example/", "/publisher/"),
    ("javascript:alert(1)", "/publisher/"),
    ("", "/publisher/"),
])  # fmt: skip
def test_only_addresses_of_this_server_are_gone_on_to(client: Client, bob: User, wanted: str, way_on: str) -> None:
    assert sign_in(client, "bob", PASSWORD, next=wanted)["Location"] == way_on


def test_a_way_on_that_may_leave_this_server_is_a_page_that_moves_on(client: Client, bob: User) -> None:
    wanted = "/oauth2/authorize?client_id=a&redirect_uri=https%3A%2F%2Fclient.example%2F"
    page = sign_in(client, "bob", PASSWORD, next=wanted)
    assert page.status_code == 200
    escaped = wanted.replace("&", "&amp;")
    assert f'<meta http-equiv="refresh" content="0; url={escaped}">' in page.text
    assert f'href="{escaped}"' in page.text


def test_signing_in_begins_a_new_session(client: Client, bob: User) -> None:
    client.session.save()
    before = client.session.session_key
    sign_in(client, "bob", PASSWORD)
    assert client.session.session_key != before


def test_signing_out_takes_a_form_and_ends_the_session(client: Client, bob: User) -> None:
    client.force_login(bob)
    assert client.get("/publisher/sign-out", secure=True).status_code == 405
    assert client.post("/publisher/sign-out", secure=True).status_code == 302
    assert "_auth_user_id" not in client.session


def test_after_too_many_attempts_the_page_says_how_long_to_wait(client: Client, bob: User) -> None:
    for _ in range(4):
        assert sign_in(client, "bob", "wrong").status_code == 400
    locked = sign_in(client, "bob", "wrong")
    assert (locked.status_code, locked["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes" in locked.text
    assert sign_in(client, "bob", PASSWORD).status_code == 429


def test_other_capitals_are_no_way_around_the_lock(client: Client, bob: User) -> None:
    for name in ("bob", "Bob", "BOB", "bOb", "boB"):
        last = sign_in(client, name, "wrong")
    assert last.status_code == 429


def test_behind_a_proxy_the_lock_is_for_the_client_that_the_proxy_names(
    client: Client, bob: User, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = TrustedProxies(["127.0.0.1"])

    def attempt(password: str, forwarded: str) -> int:
        fields = {"username": "bob", "password": password}
        return client.post(
            "/publisher/sign-in", fields, secure=True, headers={"X-Forwarded-For": forwarded}
        ).status_code

    assert [attempt("wrong", f"6.6.6.{number}, 192.0.2.7") for number in range(5)] == [400] * 4 + [429]
    assert attempt(PASSWORD, "192.0.2.8") == 302
    settings.TRUSTED_PROXIES = TrustedProxies()
    assert [attempt("wrong", f"192.0.2.{number}") for number in range(5)] == [400] * 4 + [429]


@pytest.mark.parametrize(
    ("header", "peer", "said", "scheme"),
    [
        (X_FORWARDED_FOR, "127.0.0.1", {"X-Forwarded-Proto": "https"}, "https"),
        (X_FORWARDED_FOR, "127.0.0.1", {"X-Forwarded-Proto": "https, http"}, "http"),
        (X_FORWARDED_FOR, "127.0.0.1", {}, "http"),
        (X_FORWARDED_FOR, "192.0.2.7", {"X-Forwarded-Proto": "https"}, "http"),
        (FORWARDED, "127.0.0.1", {"Forwarded": "for=192.0.2.7;proto=https"}, "https"),
        (FORWARDED, "127.0.0.1", {"X-Forwarded-Proto": "https"}, "http"),
    ],
)
def test_behind_a_proxy_the_portals_are_reached_by_the_scheme_that_the_proxy_says(
    settings: LazySettings, header: str, peer: str, said: dict[str, str], scheme: str
) -> None:
    settings.TRUSTED_PROXIES = TrustedProxies(["127.0.0.1"], header=header)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    seen: list[str] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(str(request.scheme))
        return HttpResponse()

    ClientAddressMiddleware(answer)(RequestFactory(REMOTE_ADDR=peer, headers=said).get("/"))
    assert seen == [scheme]


def test_the_lock_falls_on_names_that_nobody_has_too(client: Client, db: None) -> None:
    answers = [sign_in(client, "nobody", "wrong").status_code for _ in range(5)]
    assert answers == [400, 400, 400, 400, 429]


def test_the_lock_is_for_one_name_only(client: Client, bob: User, carol: User) -> None:
    for _ in range(5):
        sign_in(client, "bob", "wrong")
    assert sign_in(client, "carol", PASSWORD, "devportal").status_code == 302


def test_a_sign_in_without_its_token_is_refused(bob: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    refused = sign_in(strict, "bob", PASSWORD)
    assert refused.status_code == 403
    assert "too old to be sent" in refused.text
