"""The key generation wizard: forwards, backwards, again, in two tabs, with wrong input."""

from __future__ import annotations

import logging
import re
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from oauth2_provider.models import AccessToken

from accounts import installation
from accounts.models import InstallationSettings, User
from core.models import AuditEntry
from devportal import attempts, diagnosis, operations, tokens
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, OAuthClient, Subscription, TokenName, WizardRun
from publisher.models import Api
from tests.devportal import builders
from tests.devportal.builders import NOW
from tests.devportal.conftest import Browser

pytestmark = pytest.mark.django_db
NEW = {"which": "new", "name": "Chat client", "plan": "Unlimited", "description": "", "token_type": "JWT"}
KEYS = {"key_type": "PRODUCTION", "grant_types": ["client_credentials"], "callback_url": "", "token_seconds": "3600"}
TOKEN = {"scopes": ["default"], "seconds": "3600"}
SECRET_TEXT = re.compile(r'id="(token|consumer-secret)"[^>]*>(?:<span[^>]*>)?([^<]+)(?:</span>)?([^<]*)<')


@pytest.fixture
def echo(bob: User) -> Api:
    ensure_application_plans()
    production = {"url": "ws://localhost:9900/echo"}
    row = builders.api(bob, context="/echowebsocket", plans=("Gold", "Silver"), production=production)
    row.deployed_revision.snapshot["production"] = production
    row.deployed_revision.save()
    return row


@pytest.fixture
def tab(carol: User, browser: Browser) -> Client:
    return browser(carol)


def walk(tab: Client, echo: Api, **first: str) -> str:
    """Go through all five steps; returns the address of the last one, not yet opened."""
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", {**NEW, **first}).url
    three = tab.post(two, {"plan": "Gold"}).url
    four = tab.post(three, KEYS).url
    return str(tab.post(four, TOKEN).url)


def secrets_on(page: HttpResponse) -> dict[str, str]:
    return {name: start + end for name, start, end in SECRET_TEXT.findall(page.content.decode())}


# --- forwards ------------------------------------------------------------------------------------------------


def test_five_steps_lead_from_nothing_to_a_working_token(tab: Client, echo: Api, carol: User) -> None:
    shown = tab.get(walk(tab, echo))

    token = secrets_on(shown)["token"]
    row = AccessToken.objects.get()
    assert row.token_checksum == tokens.digest(token)
    app = Application.objects.get()
    assert (app.name, app.owner, app.token_type) == ("Chat client", carol, "JWT")
    assert Subscription.objects.get().plan.name == "Gold"
    assert OAuthClient.objects.get().key_type == "PRODUCTION"
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"application.created", "subscription.created", "keys.generated", "token.issued"} <= verbs


def test_the_last_step_shows_the_tutorials_commands_with_the_token(tab: Client, echo: Api) -> None:
    page = tab.get(walk(tab, echo))

    token = secrets_on(page)["token"]
    text = re.sub(r"<[^>]+>", "", page.content.decode()).replace("&quot;", '"')
    for command in (
        f'wscat -c ws://localhost:9099/echowebsocket/1.0 -H "Authorization: Bearer {token}"',
        f'wscat -n -c wss://localhost:8099/echowebsocket/1.0 -H "Authorization: Bearer {token}"',
        f'wscat -c "ws://localhost:9099/echowebsocket/1.0?access_token={token}"',
        f'wscat -n -c "wss://localhost:8099/echowebsocket/1.0?access_token={token}"',
    ):
        assert command in text


def test_an_oauth_application_gets_an_opaque_token(tab: Client, echo: Api) -> None:
    assert "." not in secrets_on(tab.get(walk(tab, echo, token_type="OAUTH")))["token"]


def test_the_stepper_says_what_was_chosen(tab: Client, echo: Api) -> None:
    shown = tab.get(walk(tab, echo)).content.decode()
    for words in ("Chat client", "Gold", "Production", "1 hour"):
        assert words in shown


def test_an_application_of_ones_own_is_used_again_with_its_keys(tab: Client, echo: Api, carol: User) -> None:
    app = builders.application(carol)
    builders.keys(app)

    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", {"which": "existing", "application": str(app.pk)}).url
    three = tab.post(two, {"plan": "Silver"}).url
    assert "reused as they are" in " ".join(tab.get(three).content.decode().split())
    four = tab.post(three, {"key_type": "PRODUCTION"}).url
    assert secrets_on(tab.get(four)) == {}
    page = tab.get(tab.post(four, TOKEN).url)

    assert "token" in secrets_on(page)
    assert (Application.objects.count(), OAuthClient.objects.count()) == (1, 1)


def test_keys_of_the_other_type_are_generated_beside(tab: Client, echo: Api) -> None:
    walk(tab, echo)
    app = Application.objects.get()

    four = tab.post(f"/devportal/apis/{echo.pk}/wizard/{app.pk}/keys", {**KEYS, "key_type": "SANDBOX"}).url

    assert four.endswith("/sandbox/token")
    assert set(OAuthClient.objects.values_list("key_type", flat=True)) == {"PRODUCTION", "SANDBOX"}


# --- backwards and again -------------------------------------------------------------------------------------


def test_going_back_shows_what_was_chosen_and_going_on_repeats_nothing(tab: Client, echo: Api) -> None:
    walk(tab, echo)
    app = Application.objects.get()
    one = f"/devportal/apis/{echo.pk}/wizard?application={app.pk}"

    back = tab.get(one).content.decode()
    assert re.search(r'value="existing"[^>]*checked', back)
    assert re.search(rf'value="{app.pk}" selected', back)
    two = tab.post(one, {"which": "existing", "application": str(app.pk)}).url
    assert "subscribed already" in tab.get(two).content.decode()
    three = tab.post(two, {"plan": "Gold"}).url
    tab.post(three, KEYS)

    assert (Application.objects.count(), Subscription.objects.count(), OAuthClient.objects.count()) == (1, 1, 1)
    assert not AuditEntry.objects.filter(verb="subscription.updated").exists()


def test_choosing_another_plan_on_the_way_back_changes_it(tab: Client, echo: Api) -> None:
    walk(tab, echo)
    app = Application.objects.get()

    tab.post(f"/devportal/apis/{echo.pk}/wizard/{app.pk}/subscribe", {"plan": "Silver"})

    assert Subscription.objects.get().plan.name == "Silver"


def test_every_step_links_back_to_the_ones_before(tab: Client, echo: Api) -> None:
    shown = tab.get(walk(tab, echo)).content.decode()
    app = Application.objects.get()
    for address in (
        f"/wizard?application={app.pk}",
        f"/wizard/{app.pk}/subscribe",
        f"/wizard/{app.pk}/keys?type=production",
        f"/wizard/{app.pk}/production/token",
    ):
        assert f"/devportal/apis/{echo.pk}{address}" in shown


def test_a_reload_of_the_last_step_says_that_the_token_was_shown(tab: Client, echo: Api) -> None:
    five = walk(tab, echo)
    token = secrets_on(tab.get(five))["token"]

    again = tab.get(five)

    assert secrets_on(again) == {}
    assert token not in again.content.decode()
    assert "was shown once" in again.content.decode()
    assert "Generate another token" in again.content.decode()
    assert AccessToken.objects.count() == 1


def test_a_reload_of_the_fourth_step_does_not_show_the_secret_again(tab: Client, echo: Api) -> None:
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url
    four = tab.post(tab.post(two, {"plan": "Gold"}).url, KEYS).url

    assert "consumer-secret" in secrets_on(tab.get(four))
    assert secrets_on(tab.get(four)) == {}


def test_when_the_token_has_ended_the_last_step_says_so(tab: Client, echo: Api) -> None:
    five = walk(tab, echo)
    AccessToken.objects.all().delete()
    assert "No token is valid" in tab.get(five).content.decode()


def test_a_step_that_is_too_far_leads_to_the_first_open_one(tab: Client, echo: Api, carol: User) -> None:
    app = builders.application(carol)
    base = f"/devportal/apis/{echo.pk}/wizard/{app.pk}"
    steps = ("keys", "production/token", "production/connect")

    assert {tab.get(f"{base}/{step}").url for step in steps} == {f"{base}/subscribe"}
    builders.subscription(app, echo)
    assert {tab.get(f"{base}/{step}").url for step in steps[1:]} == {f"{base}/keys?type=production"}


def test_keys_alone_do_not_skip_the_subscription(tab: Client, echo: Api, carol: User) -> None:
    app = builders.application(carol)
    builders.keys(app)
    base = f"/devportal/apis/{echo.pk}/wizard/{app.pk}"
    assert {tab.get(f"{base}/production/{step}").url for step in ("token", "connect")} == {f"{base}/subscribe"}


def test_two_tabs_do_not_disturb_each_other(carol: User, echo: Api, browser: Browser) -> None:
    tab = browser(carol)
    first = tab.post(f"/devportal/apis/{echo.pk}/wizard", {**NEW, "name": "First"}).url
    second = tab.post(f"/devportal/apis/{echo.pk}/wizard", {**NEW, "name": "Second"}).url

    first_token = tab.post(tab.post(tab.post(first, {"plan": "Gold"}).url, KEYS).url, TOKEN).url
    second_token = tab.post(tab.post(tab.post(second, {"plan": "Silver"}).url, KEYS).url, TOKEN).url

    shown = {secrets_on(tab.get(five))["token"] for five in (first_token, second_token)}
    assert len(shown) == 2
    plans = dict(Subscription.objects.values_list("application__name", "plan__name"))
    assert plans == {"First": "Gold", "Second": "Silver"}


# --- leaving and coming back; twice --------------------------------------------------------------------------


def test_whoever_comes_back_goes_on_where_they_were_until_it_is_done(tab: Client, echo: Api, carol: User) -> None:
    one = f"/devportal/apis/{echo.pk}/wizard"
    two = tab.post(one, NEW).url
    assert tab.get(one).url == two
    three = tab.post(two, {"plan": "Gold"}).url
    assert tab.get(one).url == three
    four = tab.post(three, {**KEYS, "key_type": "SANDBOX"}).url
    assert tab.get(one).url == four
    assert tab.get(f"{one}?anew=1").status_code == tab.get(f"{one}?application={uuid4()}").status_code == 200

    tab.post(four, TOKEN)

    assert tab.get(one).status_code == 200
    assert not WizardRun.objects.exists()


def test_there_is_no_way_back_to_an_application_that_was_deleted(tab: Client, echo: Api, carol: User) -> None:
    one = f"/devportal/apis/{echo.pk}/wizard"
    tab.post(one, NEW)
    operations.delete_application(application=Application.objects.get(), actor=carol, now=NOW)
    assert tab.get(one).status_code == 200


def test_each_step_sent_twice_makes_one_thing(tab: Client, echo: Api) -> None:
    one = f"/devportal/apis/{echo.pk}/wizard"
    two, again = (tab.post(one, NEW).url for _ in range(2))
    assert two == again
    assert tab.post(one, {**NEW, "description": "Other words"}).status_code == 409

    three, again = (tab.post(two, {"plan": "Gold"}).url for _ in range(2))
    assert three == again
    four, again = (tab.post(three, KEYS).url for _ in range(2))
    assert four == again

    assert (Application.objects.count(), Subscription.objects.count(), OAuthClient.objects.count()) == (1, 1, 1)
    assert "consumer-secret" in secrets_on(tab.get(four))


def test_an_application_that_waits_has_the_wizard_wait_and_go_on_once_it_is_approved(
    tab: Client, echo: Api, admin: User
) -> None:
    InstallationSettings.objects.create(pk=1, approve_applications=True)
    installation.forget()
    one = f"/devportal/apis/{echo.pk}/wizard"
    three = tab.post(tab.post(one, NEW).url, {"plan": "Gold"}).url
    waits = tab.get(three).content.decode()
    assert "waits for an administrator’s approval" in waits.replace("&#x27;", "’")
    assert 'name="key_type"' not in waits
    assert tab.post(three, KEYS).status_code == 409

    row = Application.objects.get()
    operations.decide_application(application=row, is_approved=True, actor=admin, now=NOW)

    assert tab.get(one).url == three
    assert 'name="key_type"' in tab.get(three).content.decode()


def test_keys_that_wait_show_their_secret_once_and_have_the_wizard_wait(
    tab: Client, echo: Api, carol: User, admin: User
) -> None:
    InstallationSettings.objects.create(pk=1, approve_keys=True)
    installation.forget()
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url
    four = tab.post(tab.post(two, {"plan": "Gold"}).url, KEYS).url

    page = tab.get(four)

    assert "consumer-secret" in secrets_on(page)
    assert "wait for an administrator" in page.content.decode()
    assert 'name="scopes"' not in page.content.decode()
    assert tab.post(four, TOKEN).status_code == 409
    operations.decide_keys(client=OAuthClient.objects.get(), is_approved=True, actor=admin, now=NOW)
    assert 'name="scopes"' in tab.get(tab.get(f"/devportal/apis/{echo.pk}/wizard").url).content.decode()


# --- wrong input ---------------------------------------------------------------------------------------------


def test_a_name_that_is_taken_is_said_and_what_was_typed_is_kept(tab: Client, echo: Api, carol: User) -> None:
    builders.application(carol, "Chat client")

    page = tab.post(f"/devportal/apis/{echo.pk}/wizard", {**NEW, "description": "My words", "plan": "20PerMin"})

    shown = page.content.decode()
    assert page.status_code == 409
    assert "You already have an application named" in shown
    assert "My words" in shown
    assert re.search(r'value="20PerMin" selected', shown)


FIRST_STEPS_THAT_FAIL: list[tuple[dict[str, str], str]] = [
    ({**NEW, "name": ""}, "Give the application a name"),
    ({**NEW, "name": "x" * 101}, "at most 100 characters; this one has 101"),
    ({**NEW, "description": "x" * 513}, "at most 512 characters"),
    ({**NEW, "plan": "Gone"}, "no such quota"),
    ({**NEW, "token_type": "SAML"}, "Choose JWT or OAuth"),
    ({"which": "existing"}, "Choose one of your applications"),
    ({"which": "existing", "application": "nonsense"}, "You have no such application"),
]


def test_a_first_step_that_fails_says_why(tab: Client, echo: Api) -> None:
    for data, sentence in FIRST_STEPS_THAT_FAIL:
        page = tab.post(f"/devportal/apis/{echo.pk}/wizard", data)
        assert page.status_code == 400, data
        assert sentence in page.content.decode(), data
    assert not Application.objects.exists()


def test_somebody_elses_application_cannot_be_chosen(tab: Client, echo: Api, mallory: User) -> None:
    theirs = builders.application(mallory)

    page = tab.post(f"/devportal/apis/{echo.pk}/wizard", {"which": "existing", "application": str(theirs.pk)})

    assert page.status_code == 400
    for step in ("subscribe", "keys", "production/token", "production/connect"):
        assert tab.get(f"/devportal/apis/{echo.pk}/wizard/{theirs.pk}/{step}").status_code == 404
        assert tab.get(f"/devportal/apis/{echo.pk}/wizard/{uuid4()}/{step}").status_code == 404


def test_the_first_plan_that_the_developer_may_choose_is_chosen_already(tab: Client, echo: Api) -> None:
    gold = builders.plan("Gold")
    gold.roles = ["admin"]
    gold.save()
    echo.plans.add(builders.plan("Bronze"))
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url

    page = tab.get(two).content.decode()

    choices = re.findall(r'name="plan"\s+value="(\w+)"\s+(checked)?\s+(disabled)?', page)
    assert [chosen for _, chosen, reserved in choices if not reserved] == ["checked", ""]
    assert ("Gold", "", "disabled") in choices


@pytest.mark.parametrize("left", [[], ["Bronze"]])
def test_a_plan_that_was_withdrawn_is_no_dead_end(tab: Client, echo: Api, carol: User, left: list[str]) -> None:
    app = builders.application(carol)
    builders.subscription(app, echo)
    echo.plans.set(builders.plan(name) for name in left)
    two = f"/devportal/apis/{echo.pk}/wizard/{app.pk}/subscribe"

    page = tab.get(two).content.decode()

    assert re.search(r'value="Gold"\s+checked', page)
    assert "present plan</strong>, offered to nobody new any more" in " ".join(page.split())
    assert tab.post(two, {"plan": "Gold"}).url.endswith("/keys")
    change = f"/devportal/subscriptions/{Subscription.objects.get().pk}/plan"
    assert "present plan</strong>" in tab.get(change).content.decode()


@pytest.mark.parametrize("plan", ["", "Bronze"])
def test_a_second_step_without_a_plan_of_the_api_fails(tab: Client, echo: Api, plan: str) -> None:
    builders.plan("Bronze")
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url
    page = tab.post(two, {"plan": plan})
    assert page.status_code == 400
    assert re.search("Choose a plan|not offered under this plan", page.content.decode())
    assert not Subscription.objects.exists()


def test_a_reserved_plan_cannot_be_sneaked_in(tab: Client, echo: Api) -> None:
    gold = builders.plan("Gold")
    gold.roles = ["creator"]
    gold.save()
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url

    assert re.search(r'value="Gold"[^>]*disabled', tab.get(two).content.decode())
    assert tab.post(two, {"plan": "Gold"}).status_code == 403
    assert not Subscription.objects.exists()


THIRD_STEPS_THAT_FAIL = [
    ({"grant_types": []}, "Choose client credentials or authorization code"),
    ({"grant_types": ["authorization_code"]}, "sends people back to a callback URL"),
    ({"grant_types": ["authorization_code"], "callback_url": "example"}, "Enter one whole URL"),
    ({"token_seconds": "soon"}, "enter a number and choose its unit, for example 1 hour"),
    ({"token_seconds": "0"}, "must be between 1 second and 1 day"),
    ({"token_seconds": "400", "token_seconds_unit": "day"}, "must be between 1 second and 1 day"),
    ({"token_seconds": "0.5"}, "must be between 1 second"),
    ({"token_seconds": "1.5"}, "in whole seconds"),
    ({"key_type": "STAGING"}, "Choose production or sandbox"),
]


def test_a_third_step_that_fails_says_why(tab: Client, echo: Api) -> None:
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url
    three = tab.post(two, {"plan": "Gold"}).url
    for change, sentence in THIRD_STEPS_THAT_FAIL:
        page = tab.post(three, {**KEYS, **change})
        assert page.status_code == 400, change
        assert sentence in page.content.decode(), change
    assert not OAuthClient.objects.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"seconds": ""}, "enter a number and choose its unit"), ({"scopes": ["root"]}, "cannot be asked for")],
)
def test_a_fourth_step_that_fails_says_why(tab: Client, echo: Api, change: dict[str, str], sentence: str) -> None:
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url
    four = tab.post(tab.post(two, {"plan": "Gold"}).url, KEYS).url
    page = tab.post(four, {**TOKEN, **change})
    assert page.status_code == 400
    assert sentence in page.content.decode()
    assert not AccessToken.objects.exists()


def test_keys_that_cannot_ask_for_a_token_say_so_on_the_fourth_step(tab: Client, echo: Api, carol: User) -> None:
    app = builders.application(carol)
    builders.subscription(app, echo)
    builders.keys(app, grant_types=["authorization_code"], callback_url="https://example.test/cb")

    page = tab.post(f"/devportal/apis/{echo.pk}/wizard/{app.pk}/production/token", TOKEN)

    assert page.status_code == 409
    assert "lack the client credentials grant" in page.content.decode()


def test_an_api_that_was_withdrawn_on_the_way_is_not_found(tab: Client, echo: Api) -> None:
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url
    Api.objects.update(state="CREATED")
    assert tab.post(two, {"plan": "Gold"}).status_code == 404


# --- what may stand in the way -------------------------------------------------------------------------------


def test_a_subscription_that_waits_is_said_before_it_surprises(tab: Client, echo: Api, carol: User) -> None:
    app = builders.application(carol)
    builders.subscription(app, echo, state="ON_HOLD")
    builders.keys(app)
    base = f"/devportal/apis/{echo.pk}/wizard/{app.pk}"

    assert "waits for the publisher" in tab.get(f"{base}/keys").content.decode()
    assert "waits for the publisher" in tab.get(tab.post(f"{base}/production/token", TOKEN).url).content.decode()


def attempt_of(five: str) -> str:
    """Where the console of a wizard's last step asks what became of an attempt."""
    return five.partition("/wizard")[0] + f"/try-out/attempts?key={OAuthClient.objects.get().pk}"


def test_the_diagnosis_says_why_the_gateway_would_refuse(tab: Client, echo: Api, bob: User) -> None:
    five = walk(tab, echo)
    ask = attempt_of(five)
    subscription = Subscription.objects.get()

    assert tab.get(ask).json() == {"recorded": False, "reasons": []}
    operations.set_subscription_state(subscription=subscription, state="PROD_ONLY_BLOCKED", actor=bob, now=NOW)
    assert "blocked the subscription for production" in tab.get(ask).json()["reasons"][0]
    operations.set_subscription_state(subscription=subscription, state="BLOCKED", actor=bob, now=NOW)
    assert "Ask them to unblock" in tab.get(ask).json()["reasons"][0]
    Subscription.objects.all().delete()
    (only,) = tab.get(ask).json()["reasons"]
    assert "not subscribed" in only


@pytest.mark.parametrize("application_id", ["", "own", "another"])
def test_the_diagnosis_tells_what_the_gateway_answered_to_this_attempt_and_nobody_elses(
    tab: Client, echo: Api, monkeypatch: pytest.MonkeyPatch, application_id: str
) -> None:
    ask = attempt_of(walk(tab, echo))
    whose = {"own": str(Application.objects.get().pk)}.get(application_id, application_id)
    known = {"a1": attempts.RefusedAttempt(401, 900903, "Expired", "The access token has expired.", whose)}
    monkeypatch.setattr(attempts, "readers", [known.get])

    answer = tab.get(f"{ask}&attempt=a1").json()

    assert answer["recorded"] is (application_id != "another")
    if answer["recorded"]:
        assert answer["reasons"] == ["The gateway answered 401. The access token has expired."]
    assert tab.get(f"{ask}&attempt=a2").json()["recorded"] is False


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        (101503, "what is wrong lies behind the gateway"),
        (303001, "tries the backend again by itself"),
        (900901, ""),
        (900906, "Compare the address"),
        (900912, "Take the token or ticket out of the address"),
    ],
)
def test_each_refusal_has_a_way_out(code: int, way_out: str) -> None:
    refused = attempts.RefusedAttempt(499, code, "No", "Because.")
    sentences = " ".join(diagnosis.of_refusal(refused))
    assert sentences.startswith("The gateway answered 499. Because.")
    assert way_out in sentences


def test_a_key_type_without_endpoint_is_said(tab: Client, echo: Api, carol: User) -> None:
    app = builders.application(carol)
    builders.subscription(app, echo)
    client = builders.keys(app, "SANDBOX").client
    ask = f"/devportal/apis/{echo.pk}/try-out/attempts?key={client.pk}"
    assert "no sandbox endpoint" in tab.get(ask).json()["reasons"][0]


def test_a_token_of_the_wizard_has_the_name_that_it_was_given(tab: Client, echo: Api, carol: User) -> None:
    app = builders.application(carol)
    builders.subscription(app, echo)
    client = builders.keys(app).client

    tab.post(f"/devportal/apis/{echo.pk}/wizard/{app.pk}/production/token", {**TOKEN, "name": "店铺"})

    assert TokenName.objects.get(token__application=client).name == "店铺"


# --- the token is a secret -----------------------------------------------------------------------------------


def test_the_token_is_in_no_address_no_session_row_and_no_log(
    tab: Client, echo: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    five = walk(tab, echo)
    sessions = [session.session_data + str(session.get_decoded()) for session in Session.objects.all()]
    page = tab.get(five)

    secret = secrets_on(page)["token"]
    assert secret not in five
    assert not any(secret in text or tokens.digest(secret) in text for text in sessions)
    assert secret not in caplog.text
    assert secret not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_pages_that_show_a_secret_are_kept_in_no_cache(tab: Client, echo: Api) -> None:
    two = tab.post(f"/devportal/apis/{echo.pk}/wizard", NEW).url
    four = tab.post(tab.post(two, {"plan": "Gold"}).url, KEYS).url
    assert "no-store" in tab.get(four)["Cache-Control"]
    assert "no-store" in tab.get(tab.post(four, TOKEN).url)["Cache-Control"]


def test_the_session_alone_does_not_show_the_token(tab: Client, echo: Api, carol: User) -> None:
    five = walk(tab, echo)
    tab.cookies.pop("__Host-apim-one-time")
    assert secrets_on(tab.get(five)) == {}


def test_looking_with_head_does_not_use_up_the_only_look(tab: Client, echo: Api) -> None:
    five = walk(tab, echo)
    tab.head(five)
    assert "token" in secrets_on(tab.get(five))


def test_another_browser_of_the_same_person_does_not_see_the_token(
    tab: Client, echo: Api, carol: User, browser: Browser
) -> None:
    five = walk(tab, echo)
    assert secrets_on(browser(carol).get(five)) == {}
    assert "token" in secrets_on(tab.get(five))
