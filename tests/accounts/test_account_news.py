"""What people are told of their own account: by the bell, and by e-mail whatever they chose."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import operations
from accounts.models import Notification, User
from accounts.notification_kinds import TERMS
from accounts.roles import Role
from tests.conftest import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture(autouse=True)
def _mailed(settings: LazySettings, carol: User) -> None:
    """E-mail is set up, Carol has confirmed her address and wants to be told of nothing."""
    settings.MAIL = True
    carol.confirmed_email = carol.email
    carol.save()
    operations.choose_notifications(user=carol, choices=dict.fromkeys(TERMS, (True, False)))


def sign_in(browser: Client, agent: str = FIREFOX, **options: str) -> Client:
    fields = {"username": "carol", "password": PASSWORD}
    browser.post("/devportal/sign-in", fields, secure=True, headers={"User-Agent": agent}, **options)
    assert "_auth_user_id" in browser.session
    return browser


def told(user: User) -> list[str]:
    return list(
        Notification.objects.filter(user=user, kind="account").order_by("pk").values_list("sentence", flat=True)
    )


def mailed() -> list[str]:
    operations.deliver_mail(now=timezone.now())
    return [str(each.subject) for each in mail.outbox]


def test_a_sign_in_is_told_of_where_the_browser_is_a_new_one(carol: User) -> None:
    laptop = sign_in(Client())
    assert told(carol) == []  # the very first
    sign_in(Client())  # the same browser at the same place, in a private window
    assert told(carol) == []
    sign_in(Client(), REMOTE_ADDR="192.0.2.9")
    expected = "Somebody signed in to your account with a browser that is new here: Firefox on Linux, from 192.0.2.9."
    assert told(carol) == [expected]
    sign_in(
        laptop, agent="Chrome/141.0 Windows", REMOTE_ADDR="192.0.2.7"
    )  # an old friend, elsewhere and brought up to date
    assert told(carol) == [expected]
    assert mailed() == [expected[:120]]
    assert "change your password, end the other sessions" in str(mail.outbox[0].body)


def test_a_browser_that_somebody_else_signed_in_with_is_new(carol: User, mallory: User) -> None:
    sign_in(Client())
    shared = Client()
    shared.post("/devportal/sign-in", {"username": "mallory", "password": PASSWORD}, secure=True)
    shared.cookies["__Host-apim-known"] = shared.cookies["__Host-apim-known"].value + "x"  # which is not taken
    sign_in(shared, REMOTE_ADDR="192.0.2.9")
    assert len(told(carol)) == 1


def test_what_changes_the_sign_in_is_told_each_time(carol: User, admin: User) -> None:
    by_admin = {"user": carol, "actor": admin, "now": timezone.now()}
    new = "another horse battery staple"
    operations.change_password(user=carol, current_password=PASSWORD, new_password=new, actor=carol, now=timezone.now())
    operations.reset_password(**by_admin)
    operations.end_sessions(**by_admin)
    operations.end_sessions(**by_admin)
    operations.set_roles(**by_admin, roles=[Role.SUBSCRIBER, Role.CREATOR])
    profile = {"first_name": "", "last_name": "", "email": "carol@elsewhere.test"}
    operations.update_profile(user=carol, **profile, actor=carol, now=timezone.now())
    expected = [
        "Your password was changed, and all other sessions have ended.",
        "An administrator set a one-time password for you, and ended your sessions.",
        "An administrator signed you out everywhere.",
        "An administrator signed you out everywhere.",
        "An administrator changed your roles: now they are creator and subscriber.",
        "The e-mail address of your account was changed.",
    ]
    assert (told(carol), sorted(mailed())) == (expected, sorted(expected))
    assert {each.to[0] for each in mail.outbox} == {"carol@example.test"}  # the last one too
