"""Sign-up, the account page, the password and the theme."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.preferences import COOKIE
from accounts.roles import Role

PASSWORD = "correct horse battery staple"
NEW = "a wholly different phrase"


@pytest.mark.django_db
def test_a_stranger_signs_up_and_is_signed_in_as_a_subscriber(client: Client) -> None:
    form = {"username": "dave", "email": "", "password": PASSWORD, "next": "/devportal/apis?q=echo"}
    answer = client.post("/devportal/sign-up", form, secure=True)
    assert (answer.status_code, answer["Location"]) == (302, "/devportal/apis?q=echo")
    dave = User.objects.get(username="dave")
    assert client.session["_auth_user_id"] == str(dave.pk)
    assert dave.roles == {Role.SUBSCRIBER}


def test_a_sign_up_that_failed_says_why_at_the_field_and_keeps_the_rest(client: Client, carol: User) -> None:
    form = {"username": "Carol", "email": "c@example.test", "password": PASSWORD}
    page = client.post("/devportal/sign-up", form, secure=True)
    assert page.status_code == 400
    assert "The name Carol is taken" in page.text
    assert 'value="c@example.test"' in page.text
    assert 'aria-describedby="id_username_error id_username_hint" aria-invalid="true"' in page.text


def test_the_publisher_has_no_sign_up(client: Client, db: None) -> None:
    assert client.get("/publisher/sign-up", secure=True).status_code == 404


def test_an_account_shows_its_roles_and_can_be_renamed(client: Client, bob: User) -> None:
    client.force_login(bob)
    assert ">publisher<" in client.get("/publisher/account", secure=True).text
    form = {"first_name": "Bob", "last_name": "Okoro", "email": "bob@example.test"}
    assert client.post("/publisher/account", form, secure=True)["Location"] == "/publisher/account"
    assert "Bob Okoro" in client.get("/publisher/account", secure=True).text


def test_a_wrong_address_is_said_to_be_one(client: Client, bob: User) -> None:
    client.force_login(bob)
    page = client.post("/publisher/account", {"email": "nonsense"}, secure=True)
    assert page.status_code == 400
    assert "It looks like name@example.org" in page.text


def test_changing_the_password_keeps_this_session_and_ends_the_others(client: Client, bob: User) -> None:
    elsewhere = Client()
    for browser in (client, elsewhere):
        browser.force_login(bob)
    form = {"current_password": PASSWORD, "new_password": NEW}
    assert client.post("/publisher/account/password", form, secure=True).status_code == 302
    assert client.get("/publisher/account", secure=True).status_code == 200
    assert elsewhere.get("/publisher/account", secure=True).status_code == 302


def test_a_wrong_current_password_is_said_at_its_field(client: Client, bob: User) -> None:
    client.force_login(bob)
    form = {"current_password": "guess", "new_password": NEW}
    page = client.post("/publisher/account/password", form, secure=True)
    assert page.status_code == 400
    assert 'id="id_current_password_error"' in page.text
    assert NEW not in page.text


@pytest.mark.parametrize("path", ["/publisher/account", "/devportal/account/password"])
def test_strangers_are_sent_to_the_sign_in_of_that_portal(client: Client, db: None, path: str) -> None:
    portal = path.split("/")[1]
    wanted = path.replace("/", "%2F")
    assert client.get(path, secure=True)["Location"] == f"/{portal}/sign-in?next={wanted}"


@pytest.mark.parametrize(("theme", "mark"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')])
def test_a_theme_is_remembered_for_strangers_too(client: Client, db: None, theme: str, mark: str) -> None:
    answer = client.post("/theme", {"theme": theme, "next": "/devportal/sign-in"}, secure=True)
    assert answer["Location"] == "/devportal/sign-in"
    assert mark in client.get("/devportal/sign-in", secure=True).text
    client.post("/theme", {"theme": "system"}, secure=True)
    assert "data-theme" not in client.get("/devportal/sign-in", secure=True).text


def test_a_theme_nobody_knows_is_not_kept(client: Client, db: None) -> None:
    client.post("/theme", {"theme": "pink"}, secure=True)
    assert client.cookies[COOKIE].value == ""


def test_a_theme_that_somebody_else_put_there_is_not_shown(client: Client, db: None) -> None:
    client.cookies[COOKIE] = "pink"
    assert "pink" not in client.get("/devportal/sign-in", secure=True).text
