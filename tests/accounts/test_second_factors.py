"""Authenticator apps, recovery codes and what administrators do about them."""

from __future__ import annotations

import re
from base64 import b32decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import installation, one_time_codes, operations
from accounts.access import FRESH
from accounts.models import InstallationSettings, Notification, RecoveryCode, SecondFactor, User
from core import vault
from core.models import AuditEntry
from tests.conftest import PASSWORD

NOW = datetime(2026, 11, 27, 12, 0, 15, tzinfo=UTC)
STEP = timedelta(seconds=one_time_codes.STEP_SECONDS)
OVERVIEW = "/devportal/account/second-factor"


def code_at(secret: str, now: datetime) -> str:
    """What the app shows."""
    return TOTP(b32decode(secret), 6, SHA1(), 30).generate(int(now.timestamp())).decode()  # noqa: S303


def with_app(user: User, now: datetime = NOW) -> tuple[str, list[str]]:
    """Give somebody an app; its secret, and their recovery codes."""
    secret = one_time_codes.new_secret()
    code = code_at(secret, now)
    return secret, operations.set_up_app(user=user, secret=secret, code=code, now=now)


def signed_in(name: str = "carol", portal: str = "devportal", **fields: str) -> Client:
    browser = Client()
    browser.answer = browser.post(  # type: ignore[attr-defined]
        f"/{portal}/sign-in", {"username": name, "password": PASSWORD, **fields}, secure=True
    )
    return browser


def is_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def test_the_codes_are_those_of_the_standard() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B
    known = {59: "287082", 1111111109: "081804", 20000000000: "353130"}
    assert {at: code_at(secret, datetime.fromtimestamp(at, UTC)) for at in known} == known


def test_a_clock_may_differ_by_a_step_and_no_more() -> None:
    secret = one_time_codes.new_secret()
    found = [one_time_codes.step_of(secret, code_at(secret, NOW + n * STEP), NOW) for n in range(-2, 3)]
    this = int(NOW.timestamp()) // 30
    assert found == [None, this - 1, this, this + 1, None]


def test_an_account_of_any_name_fits_into_the_picture() -> None:
    import segno

    address = one_time_codes.app_address(one_time_codes.new_secret(), account="名:" * 75, issuer="API Manager x")
    assert segno.make(address, error="m").version < 25


def test_an_app_is_set_up_on_its_page_and_recovery_codes_are_shown_once(carol: User) -> None:
    browser = signed_in()
    page = browser.get(f"{OVERVIEW}/app", secure=True).text
    secret = re.search(r'id="app-letters">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    assert "<svg viewBox" in page.replace('<svg xmlns="http://www.w3.org/2000/svg" viewBox', "<svg viewBox")
    assert "style=" not in page[page.index("<svg") : page.index("</svg>")]
    assert browser.get(f"{OVERVIEW}/app", secure=True).text.count(secret[:4]) >= 1  # the same when it is loaded anew
    wrong = browser.post(f"{OVERVIEW}/app", {"code": "000000"}, secure=True)
    assert wrong.status_code == 400
    assert "not the code of this moment" in wrong.text
    code = code_at(secret, timezone.now())
    answer = browser.post(f"{OVERVIEW}/app", {"code": f"{code[:3]} {code[3:]}"}, secure=True, follow=True)
    codes = re.findall(r"\b(?:[a-z2-9]{4}-){3}[a-z2-9]{4}\b", answer.text)
    assert len(codes) == one_time_codes.RECOVERY_CODES
    assert codes[0] not in browser.get(f"{OVERVIEW}/codes", secure=True, follow=True).text
    row = SecondFactor.objects.get(user=carol)
    assert secret not in row.sealed
    assert vault.unseal(row.sealed) == secret
    assert not RecoveryCode.objects.filter(digest__in=codes).exists()
    assert AuditEntry.objects.filter(verb="user.second_factor_added", actor=carol).exists()


def test_a_password_alone_signs_in_nobody_who_has_an_app(carol: User) -> None:
    secret, _ = with_app(carol, timezone.now() - timedelta(minutes=5))
    for portal in ("devportal", "publisher", "admin"):
        browser = signed_in(portal=portal, next="/devportal/apis")
        assert browser.answer["Location"] == f"/{portal}/sign-in/second-step?next=%2Fdevportal%2Fapis"  # type: ignore[attr-defined]
        assert not is_in(browser)
        assert browser.get("/devportal/applications", secure=True).status_code == 302
    step = browser.answer["Location"]  # type: ignore[attr-defined]
    assert "authenticator app" in browser.get(step, secure=True).text
    code = code_at(secret, timezone.now())
    answer = browser.post(step, {"code": code}, secure=True)
    assert (answer.status_code, answer["Location"]) == (302, "/devportal/apis")
    assert is_in(browser)
    late = signed_in()
    used = late.post("/devportal/sign-in/second-step", {"code": code}, secure=True)
    assert (used.status_code, is_in(late)) == (400, False)
    assert "was used already" in used.text


def test_the_second_step_takes_a_password_that_was_right_just_now(carol: User) -> None:
    secret, _ = with_app(carol, timezone.now() - timedelta(minutes=5))
    code = {"code": code_at(secret, timezone.now())}
    assert Client().post("/devportal/sign-in/second-step", code, secure=True)["Location"] == "/devportal/sign-in"
    browser = signed_in()
    session = browser.session
    session["half_signed_in"] = {**session["half_signed_in"], "at": timezone.now().timestamp() - 601}
    session.save()
    browser.post("/devportal/sign-in/second-step", code, secure=True)
    assert not is_in(browser)
    browser = signed_in()
    carol.set_password("another horse battery staple")
    carol.save()
    browser.post("/devportal/sign-in/second-step", code, secure=True)
    assert not is_in(browser)


def test_a_recovery_code_signs_in_once(carol: User) -> None:
    _, codes = with_app(carol)
    for given, lets_in in ((codes[3].upper().replace("-", " "), True), (codes[3], False), (codes[4], True)):
        browser = signed_in()
        browser.post("/devportal/sign-in/second-step?recovery=1", {"code": given}, secure=True)
        assert is_in(browser) is lets_in
    assert Notification.objects.filter(user=carol, sentence__contains="8 codes left").exists()


def test_guessing_costs_a_wait_that_doubles_and_its_victim_is_told(carol: User) -> None:
    secret, _ = with_app(carol)

    def guess(now: datetime, code: str = "12345") -> None:
        operations.check_code(user=carol, code=code, now=now)

    at = NOW + timedelta(hours=1)
    waits = []
    for _ in range(3):
        for _ in range(operations.second_factors.MOST_WRONG):
            with pytest.raises(operations.WrongCode):
                guess(at)
        with pytest.raises(operations.TooManyCodes) as refused:
            guess(at, code_at(secret, at))
        waits.append(int(refused.value.headers["Retry-After"]))
        at += timedelta(seconds=waits[-1] + 1)
    assert waits == [901, 1801, 3601]
    assert Notification.objects.filter(user=carol, sentence__contains="five wrong codes").count() == 3
    guess(at, code_at(secret, at))
    assert SecondFactor.objects.get(user=carol).wrong == 0


def test_changes_ask_for_the_password_once_more_after_a_while(carol: User) -> None:
    browser = signed_in()
    assert browser.get(OVERVIEW, secure=True).status_code == 200
    session = browser.session
    session[FRESH] = timezone.now().timestamp() - 901
    session.save()
    asked = browser.get(OVERVIEW, secure=True)
    assert asked["Location"] == "/devportal/account/confirmation?next=%2Fdevportal%2Faccount%2Fsecond-factor"
    assert browser.post(f"{OVERVIEW}/codes", secure=True)["Location"].startswith("/devportal/account/confirmation")
    assert browser.post(asked["Location"], {"password": "wrong"}, secure=True).status_code == 400
    answer = browser.post(asked["Location"], {"password": PASSWORD}, secure=True)
    assert answer["Location"] == OVERVIEW
    assert browser.get(OVERVIEW, secure=True).status_code == 200
    for _ in range(12):
        last = browser.post(asked["Location"], {"password": "wrong"}, secure=True)
    assert last.status_code == 429


def test_the_last_factor_takes_the_recovery_codes_with_it(carol: User) -> None:
    with_app(carol)
    browser = Client()
    browser.force_login(carol)
    session = browser.session
    session[FRESH] = timezone.now().timestamp()
    session.save()
    assert "10 codes left" in browser.get(OVERVIEW, secure=True).text
    assert browser.post(f"{OVERVIEW}/app/removals", secure=True)["Location"] == OVERVIEW
    assert not RecoveryCode.objects.exists()
    assert is_in(signed_in())
    assert "There is no second factor" in browser.post(f"{OVERVIEW}/app/removals", secure=True, follow=True).text


def test_an_administrator_takes_a_lost_factor_away(carol: User, admin: User, settings: object) -> None:
    settings.MAIL = True  # type: ignore[attr-defined]
    User.objects.filter(pk=carol.pk).update(confirmed_email=carol.email)
    with_app(carol)
    operations.choose_notifications(user=carol, choices={})
    browser = signed_in("admin", "admin")
    page = browser.get(f"/admin/users/{carol.pk}", secure=True).text
    assert "Reset second factor" in page
    resets = f"/admin/users/{carol.pk}/second-factor-resets"
    assert signed_in("admin").post(resets, secure=True, follow=True).status_code == 200
    assert is_in(signed_in())
    assert AuditEntry.objects.filter(verb="user.second_factor_reset", actor=admin).count() == 1
    assert "has no second factor" in browser.post(resets, secure=True, follow=True).text
    operations.deliver_mail(now=timezone.now())
    assert any("took your second factor away" in sent.subject for sent in mail.outbox)


def test_a_password_is_no_way_around_it_over_rest(carol: User) -> None:
    with_app(carol)
    basic = b64encode(f"carol:{PASSWORD}".encode()).decode()
    body = {"clientName": "tool", "grantType": "client_credentials"}
    for path in ("/client-registration/v0.17/register",):
        answer = Client().post(path, body, "application/json", secure=True, headers={"Authorization": f"Basic {basic}"})
        assert answer.status_code == 403
        assert "second factor" in answer.json()["description"]


def test_where_it_is_asked_for_publishers_see_nothing_else_before(bob: User, carol: User) -> None:
    cache.set(installation.KEY, InstallationSettings(second_factor_needed=True), None)
    browser = signed_in("bob", "publisher")
    assert browser.get("/publisher/apis", secure=True)["Location"].startswith("/publisher/account/second-factor?next=")
    assert "Set up a second factor first" in browser.get("/publisher/account/second-factor", secure=True).text
    assert browser.get("/api/am/publisher/v4/apis", secure=True).status_code == 403
    assert signed_in().get("/devportal/applications", secure=True).status_code == 200
    with_app(bob)
    assert browser.get("/publisher/apis", secure=True).status_code == 200
    assert browser.get("/api/am/publisher/v4/apis", secure=True).status_code == 200


def test_secrets_of_apps_are_sealed_again_with_a_new_key(carol: User) -> None:
    secret, _ = with_app(carol)
    before = SecondFactor.objects.get().sealed
    assert operations.seal_apps_again() == 1
    after = SecondFactor.objects.get().sealed
    assert (after != before, vault.unseal(after)) == (True, secret)
