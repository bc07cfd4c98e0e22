"""Passkeys, by a device that is made of the library's own pieces."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import operations, passkeys
from accounts.models import Passkey, RecoveryCode, User
from accounts.passkeys import PasskeyRefused, Purpose
from tests.accounts.soft_passkey import PRESENT, VERIFIED, SoftPasskey, another, flipped
from tests.accounts.test_second_factors import is_in, signed_in

OVERVIEW = "/devportal/account/second-factor"
STEP = "/devportal/sign-in/second-step"


def asked(browser: Client, purpose: str) -> dict[str, Any]:
    answer = browser.post(f"/devportal/passkey-challenges/{purpose}", secure=True)
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()["options"]
    return options


@pytest.fixture
def phone(carol: User) -> SoftPasskey:
    """Carol's passkey."""
    return registered(carol)


def registered(user: User) -> SoftPasskey:
    device, now = SoftPasskey(), timezone.now()
    options, challenge = operations.ask(Purpose.REGISTRATION, user=user, now=now)
    answer = device.create(json.loads(json.dumps(options, default=dict)))
    operations.add_passkey(user=user, asked=challenge, answer=answer, name="Phone", now=now)
    return device


def test_a_passkey_is_made_on_its_page_and_signs_in_without_a_password(carol: User) -> None:
    browser, device = signed_in(), SoftPasskey()
    options = asked(browser, "registration")
    assert (options["rp"]["id"], options["excludeCredentials"]) == ("localhost", [])
    answer = browser.post(
        "/devportal/account/passkeys", {"name": " Blue  phone ", "credential": device.create(options)}, secure=True
    )
    assert answer["Location"] == f"{OVERVIEW}/codes"
    assert Passkey.objects.get(user=carol).name == "Blue phone"
    assert RecoveryCode.objects.filter(user=carol).count() == 10
    assert len(asked(browser, "registration")["excludeCredentials"]) == 1
    stranger = Client()
    credential = device.sign(asked(stranger, "sign-in"))
    fields = {"credential": credential, "next": "/devportal/apis"}
    assert stranger.post("/devportal/sign-in/passkey", fields, secure=True)["Location"] == "/devportal/apis"
    assert is_in(stranger)
    assert stranger.get(OVERVIEW, secure=True).status_code == 200  # just shown who they are


def test_an_answer_counts_once_and_in_the_browser_that_asked(phone: SoftPasskey) -> None:
    browser = Client()
    credential = {"credential": phone.sign(asked(browser, "sign-in"))}
    elsewhere = Client()
    asked(elsewhere, "sign-in")
    elsewhere.post("/devportal/sign-in/passkey", credential, secure=True)
    assert not is_in(elsewhere)
    cookie = browser.cookies["__Host-apim-passkey"].value
    browser.post("/devportal/sign-in/passkey", credential, secure=True)
    assert is_in(browser)
    again = Client()
    again.cookies["__Host-apim-passkey"] = cookie
    Passkey.objects.update(sign_count=0)  # as with those that do not count
    page = again.post("/devportal/sign-in/passkey", credential, secure=True, follow=True)
    assert not is_in(again)
    assert "was not accepted" in page.text


def test_it_is_a_second_step_after_the_password_of_the_same_person_only(phone: SoftPasskey, mallory: User) -> None:
    registered(mallory)
    browser = signed_in()
    assert not is_in(browser)
    assert "Use a passkey" in browser.get(STEP, secure=True).text
    options = asked(browser, "second-step")
    assert len(options["allowCredentials"]) == 1
    other = signed_in("mallory")
    other.post(STEP, {"credential": phone.sign(asked(other, "second-step"))}, secure=True)
    assert not is_in(other)
    browser.post(STEP, {"credential": phone.sign(options, flags=PRESENT, handle=False)}, secure=True)
    assert is_in(browser)


def test_an_answer_for_one_purpose_counts_for_no_other(phone: SoftPasskey) -> None:
    browser = signed_in()
    credential = phone.sign(asked(browser, "second-step"))
    browser.post("/devportal/sign-in/passkey", {"credential": credential}, secure=True)
    assert not is_in(browser)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda phone, options: phone.sign(options, origin="https://evil.example"),
        lambda phone, options: phone.sign(options, origin="https://localhost"),
        lambda phone, options: phone.sign(options, origin="http://localhost:9443"),
        lambda phone, options: phone.sign(options, flags=PRESENT),  # alone it has to know its owner
        lambda phone, options: phone.sign(options, flags=VERIFIED),
        lambda phone, options: phone.sign(options, handle=False),
        lambda phone, options: phone.sign({**options, "rpId": "evil.example"}),
        lambda phone, options: phone.sign({**options, "challenge": "AAAAAAAAAAAAAAAAAAAAAA"}),
        lambda phone, options: another(
            good := phone.sign(options), signature=flipped(json.loads(good)["response"]["signature"])
        ),
        lambda phone, options: another(phone.sign(options), userHandle="AAAA"),
        lambda phone, options: another(phone.sign(options), authenticatorData="AAAA"),
        lambda phone, options: another(phone.sign(options), clientDataJSON=7),
        lambda phone, options: SoftPasskey().sign(options),
        lambda phone, options: "",
        lambda phone, options: "[]",
        lambda phone, options: "[" * 9000,
        lambda phone, options: "{" + " " * passkeys.MOST_BYTES + "}",
        lambda phone, options: '{"id": "AA", "rawId": "AA", "response": {}}',
    ],
)
def test_what_is_not_right_in_every_part_signs_nobody_in(phone: SoftPasskey, spoil: Any) -> None:
    browser = Client()
    answer = spoil(phone, asked(browser, "sign-in"))
    sent = browser.post("/devportal/sign-in/passkey", {"credential": answer}, secure=True)
    assert (sent.status_code, is_in(browser)) == (302, False)


def test_a_challenge_is_too_old_after_five_minutes(phone: SoftPasskey, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Client()
    answer = phone.sign(asked(browser, "sign-in"))
    monkeypatch.setattr(passkeys, "SECONDS", -1)
    page = browser.post("/devportal/sign-in/passkey", {"credential": answer}, secure=True, follow=True)
    assert not is_in(browser)
    assert "came too late" in page.text


def test_a_copy_whose_counter_lags_is_told_of(phone: SoftPasskey) -> None:
    first, second = Client(), Client()
    first.post("/devportal/sign-in/passkey", {"credential": phone.sign(asked(first, "sign-in"))}, secure=True)
    phone.count = 0
    answer = {"credential": phone.sign(asked(second, "sign-in"))}
    page = second.post("/devportal/sign-in/passkey", answer, secure=True, follow=True)
    assert not is_in(second)
    assert "copy of this passkey" in page.text


def test_a_disabled_person_does_not_sign_in_by_passkey(phone: SoftPasskey) -> None:
    User.objects.update(is_active=False)
    browser = Client()
    browser.post("/devportal/sign-in/passkey", {"credential": phone.sign(asked(browser, "sign-in"))}, secure=True)
    assert not is_in(browser)


def test_passkeys_are_renamed_and_removed_by_their_owner_only(carol: User, phone: SoftPasskey, mallory: User) -> None:
    row = Passkey.objects.get(user=carol)
    stranger = signed_in("mallory")
    address = f"/devportal/account/passkeys/{row.pk}"
    assert stranger.post(address, {"name": "Mine"}, secure=True).status_code == 404
    assert stranger.post(f"{address}/removals", secure=True).status_code == 404
    browser = signed_in()
    browser.post(STEP, {"credential": phone.sign(asked(browser, "second-step"))}, secure=True)
    assert "Give the passkey a name" in browser.post(address, {"name": " "}, secure=True, follow=True).text
    browser.post(address, {"name": "Ålesund 📱"}, secure=True)
    assert "Ålesund 📱" in browser.get(OVERVIEW, secure=True).text
    browser.post(f"{address}/removals", secure=True)
    assert not Passkey.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert is_in(signed_in())


def test_nobody_has_more_than_ten_nor_one_twice(carol: User, mallory: User) -> None:
    device, now = SoftPasskey(), timezone.now()
    for number in range(operations.MOST_PASSKEYS):
        Passkey.objects.create(
            user=carol, name=str(number), credential_id=f"A{number}aa", credential=b"", handle=b"h", created_at=now,
            challenged_at=now - timedelta(days=1),
        )  # fmt: skip
    with pytest.raises(operations.passkeys.TooManyPasskeys):
        operations.ask(Purpose.REGISTRATION, user=carol, now=now)
    options, challenge = operations.ask(Purpose.REGISTRATION, user=mallory, now=now)
    answer = device.create(json.loads(json.dumps(options, default=dict)))
    operations.add_passkey(user=mallory, asked=challenge, answer=answer, name="Key", now=now)
    with pytest.raises(operations.passkeys.PasskeyKnown):
        operations.add_passkey(user=mallory, asked=challenge, answer=answer, name="Key", now=now)


def test_a_passkey_for_another_person_or_site_is_not_kept(carol: User, mallory: User) -> None:
    device, now = SoftPasskey(), timezone.now()
    browser = signed_in()
    options = asked(browser, "registration")
    for answer in (device.create(options, origin="https://evil.example"), device.create(options, flags=PRESENT), "{}"):
        browser.post("/devportal/account/passkeys", {"name": "x", "credential": answer}, secure=True)
    assert not Passkey.objects.exists()
    _, challenge = operations.ask(Purpose.REGISTRATION, user=carol, now=now)
    with pytest.raises(PasskeyRefused):
        passkeys.challenge_of(challenge.sealed(), Purpose.REGISTRATION, mallory.pk)


def test_a_challenge_for_who_is_not_signed_in_is_for_signing_in_only(db: None) -> None:
    codes = {
        purpose: Client().post(f"/devportal/passkey-challenges/{purpose}", secure=True).status_code
        for purpose in ("registration", "confirmation", "second-step", "nonsense")
    }
    assert codes == {"registration": 403, "confirmation": 403, "second-step": 403, "nonsense": 404}
