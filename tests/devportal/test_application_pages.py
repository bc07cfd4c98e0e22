"""The pages of applications: the list, keys, tokens, subscriptions, deletion."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts.models import User
from devportal import operations, token_use
from devportal.models import Application, OAuthClient, Subscription
from devportal.operations.tokens import issue_token
from publisher import impact
from publisher.models import Api
from tests.devportal import builders
from tests.devportal.conftest import Browser

pytestmark = pytest.mark.django_db
FIELDS = {"name": "Chat client", "plan": "Unlimited", "description": "", "token_type": "JWT"}
KEYS = {"grant_types": ["client_credentials"], "callback_url": "", "token_seconds": "600"}
SHOWN = re.compile(r'id="new-(token|secret)"[^>]*>(?:<span[^>]*>)?([^<]+)(?:</span>)?([^<]*)<')


@pytest.fixture
def tab(carol: User, browser: Browser) -> Client:
    return browser(carol)


@pytest.fixture
def app(carol: User) -> Application:
    return builders.application(carol, "Chat client", description="Talks")


@pytest.fixture
def echo(bob: User) -> Api:
    return builders.api(bob, plans=("Gold", "Silver"))


def said(page: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(page.wsgi_request))


def shown_once(page: HttpResponse) -> dict[str, str]:
    return {name: start + end for name, start, end in SHOWN.findall(page.content.decode())}


# --- the list and one application ----------------------------------------------------------------------------


def test_the_list_is_empty_until_there_is_something(tab: Client) -> None:
    assert "No applications yet" in tab.get("/devportal/applications").content.decode()


def test_the_list_shows_ones_own_and_searches(tab: Client, app: Application, carol: User, mallory: User) -> None:
    builders.application(carol, "Ticker")
    builders.application(mallory, "Somebody elses")

    everything = tab.get("/devportal/applications").content.decode()
    found = tab.get("/devportal/applications", {"q": "chat"}).content.decode()
    nothing = tab.get("/devportal/applications", {"q": "zzz"}).content.decode()

    assert "Chat client" in everything
    assert "Ticker" in everything
    assert "Somebody elses" not in everything
    assert "Ticker" not in found
    assert "Nothing found" in nothing


def test_an_application_is_created_and_leads_to_its_page(tab: Client, carol: User) -> None:
    builders.application(carol, "Other")
    answer = tab.post("/devportal/applications/create", FIELDS)

    made = Application.objects.get(name="Chat client")
    assert answer.url == f"/devportal/applications/{made.pk}"
    assert "Not subscribed to anything" in tab.get(answer.url).content.decode()


def test_a_form_that_fails_keeps_what_was_typed(tab: Client, app: Application) -> None:
    page = tab.post("/devportal/applications/create", {**FIELDS, "description": "My words"})
    assert page.status_code == 409
    assert "My words" in page.content.decode()
    assert "You already have an application named" in page.content.decode()


def test_an_application_is_edited(tab: Client, app: Application) -> None:
    tab.post(f"/devportal/applications/{app.pk}/edit", {**FIELDS, "name": "Chat 2", "token_type": "OAUTH"})
    app.refresh_from_db()
    assert (app.name, app.token_type) == ("Chat 2", "OAUTH")


def test_deleting_says_what_it_takes_along_and_wants_the_name(
    tab: Client, app: Application, echo: Api, carol: User
) -> None:
    builders.subscription(app, echo)
    client = builders.keys(app).client
    operations.generate_token(client=client, actor=carol, now=timezone.now())
    address = f"/devportal/applications/{app.pk}"

    shown = " ".join(tab.get(address).content.decode().split())
    assert "This deletes 1 subscription and the production keys, and ends 1 active token." in shown
    refused = tab.post(f"{address}/deletions", {"confirmation": "chat"})
    assert "Nothing was deleted" in said(refused)
    done = tab.post(f"{address}/deletions", {"confirmation": "Chat client"})

    assert done.url == "/devportal/applications"
    assert not Application.objects.exists()
    assert tab.get(address).status_code == 404


def test_a_name_that_looks_like_markup_stays_text(tab: Client, carol: User) -> None:
    app = builders.application(carol, "<img src=x onerror=alert(1)>")
    for address in (
        "/devportal/applications",
        f"/devportal/applications/{app.pk}",
        f"/devportal/applications/{app.pk}/edit",
    ):
        assert "<img src=x" not in tab.get(address).content.decode()


# --- keys ----------------------------------------------------------------------------------------------------


def test_keys_are_generated_and_the_secret_is_shown_once(tab: Client, app: Application) -> None:
    address = f"/devportal/applications/{app.pk}/keys/sandbox"

    assert tab.post(address, KEYS).url == address
    first, second = tab.get(address), tab.get(address)

    client = OAuthClient.objects.get()
    assert (client.key_type, client.token_seconds) == ("SANDBOX", 600)
    assert check_password(shown_once(first)["secret"], client.client_secret)
    assert "no-store" in first["Cache-Control"]
    assert shown_once(second) == {}
    assert client.client_id in second.content.decode()


def test_what_keys_may_do_is_changed_on_their_page(tab: Client, app: Application) -> None:
    builders.keys(app)
    address = f"/devportal/applications/{app.pk}/keys/production"
    code = {**KEYS, "grant_types": ["authorization_code"], "callback_url": "https://example.test/cb"}

    assert tab.post(address, code).url == address
    assert OAuthClient.objects.get().grant_types == ["authorization_code"]
    assert tab.post(address, {**code, "callback_url": ""}).status_code == 400


@pytest.mark.parametrize("revoke", [True, False])
def test_the_secret_is_regenerated_with_or_without_the_tokens(
    tab: Client, app: Application, carol: User, revoke: bool
) -> None:
    made = builders.keys(app)
    operations.generate_token(client=made.client, actor=carol, now=timezone.now())
    address = f"/devportal/applications/{app.pk}/keys/production"

    answer = tab.post(f"{address}/secrets", {"revoke_tokens": "on"} if revoke else {})
    secret = shown_once(tab.get(answer.url))["secret"]

    assert secret != made.secret
    assert check_password(secret, OAuthClient.objects.get().client_secret)
    assert AccessToken.objects.exists() is not revoke


def test_keys_that_do_not_exist_have_no_secret_and_no_tokens(tab: Client, app: Application) -> None:
    address = f"/devportal/applications/{app.pk}/keys/production"
    assert tab.post(f"{address}/secrets").status_code == 404
    assert tab.post(f"{address}/tokens", {"seconds": "60"}).status_code == 404
    assert tab.get(f"/devportal/applications/{app.pk}/keys/staging").status_code == 404


# --- tokens --------------------------------------------------------------------------------------------------


def test_a_token_is_generated_shown_once_listed_and_revoked(tab: Client, app: Application) -> None:
    builders.keys(app)
    address = f"/devportal/applications/{app.pk}/keys/production"

    answer = tab.post(f"{address}/tokens", {"scopes": ["default"], "seconds": "7200"})
    first, second = tab.get(answer.url), tab.get(answer.url)
    row = AccessToken.objects.get()

    token = shown_once(first)["token"]
    assert token not in second.content.decode()
    assert "1 active" in second.content.decode()
    assert "in 1 hour" in second.content.decode()
    tab.post(f"{address}/tokens/{row.pk}/revocations")
    assert not AccessToken.objects.exists()
    assert "No token is active" in tab.get(address).content.decode()


def test_a_token_is_listed_by_its_name_and_revoked_by_it(tab: Client, app: Application) -> None:
    builders.keys(app)
    address = f"/devportal/applications/{app.pk}/keys/production"
    for name in ("<b>متجر</b>", ""):
        tab.post(f"{address}/tokens", {"name": name, "scopes": ["default"], "seconds": "7200"})

    shown = " ".join(tab.get(address).content.decode().split())

    assert '<span dir="auto">&lt;b&gt;متجر&lt;/b&gt;</span>' in shown
    assert "The token “<bdi>&lt;b&gt;متجر&lt;/b&gt;</bdi>” that was issued <time" in shown
    assert shown.count('<span class="muted">unnamed</span>') == 1
    assert "The token that was issued <time" in shown


def test_a_name_that_is_too_long_is_kept_beside_its_refusal(tab: Client, app: Application) -> None:
    builders.keys(app)
    address = f"/devportal/applications/{app.pk}/keys/production/tokens"

    page = tab.post(address, {"name": "名" * 61, "scopes": ["default"], "seconds": "60"})

    assert page.status_code == 400
    assert "at most 60 characters; this one has 61." in page.content.decode()
    assert "名" * 61 in page.content.decode()
    assert not AccessToken.objects.exists()


def test_the_list_says_when_each_token_was_last_used(
    tab: Client, app: Application, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, now = builders.keys(app).client, timezone.now()
    rows = [operations.generate_token(client=client, actor=carol, now=now).row for _ in range(3)]
    AccessToken.objects.update(created=now - timedelta(hours=2))
    # The first came to a connection that was open before it was issued.
    known = {str(rows[0].pk): now - timedelta(days=3), str(rows[1].pk): now - timedelta(minutes=5)}
    asked: list[set[str]] = []
    monkeypatch.setattr(token_use, "readers", [lambda ids: asked.append(set(ids)) or known])

    shown = tab.get(f"/devportal/applications/{app.pk}/keys/production").content.decode()

    used = re.findall(r'data-label="Last used"[^>]*>\s*<(?:time|span)[^>]*>([^<]+)<', shown)
    assert used == ["never used", "5 minutes ago", "2 hours ago"]
    assert asked == [{str(row.pk) for row in rows}]


def test_a_page_of_tokens_costs_as_many_queries_as_one_token(
    tab: Client, app: Application, carol: User, django_assert_num_queries: Any
) -> None:
    client = builders.keys(app).client
    address = f"/devportal/applications/{app.pk}/keys/production"
    operations.generate_token(client=client, name="first", actor=carol, now=timezone.now())
    with CaptureQueriesContext(connection) as one:
        tab.get(address)
    for number in range(12):
        name = f"number {number}" if number % 2 else ""
        operations.generate_token(client=client, name=name, actor=carol, now=timezone.now())
    with django_assert_num_queries(len(one)):
        tab.get(address)


def test_an_expired_token_is_not_listed(tab: Client, app: Application, carol: User) -> None:
    client = builders.keys(app).client
    operations.generate_token(client=client, seconds=60, actor=carol, now=timezone.now() - timedelta(minutes=2))
    assert "No token is active" in tab.get(f"/devportal/applications/{app.pk}/keys/production").content.decode()


def test_many_tokens_come_in_pages_and_say_for_whom_they_are(
    tab: Client, app: Application, carol: User, mallory: User
) -> None:
    client = builders.keys(app).client
    now = timezone.now()
    for number in range(21):
        user = mallory if number == 0 else None
        issue_token(client=client, user=user, scopes=["default"], seconds=600, now=now, actor=carol)
    address = f"/devportal/applications/{app.pk}/keys/production"

    first = " ".join(tab.get(address).content.decode().split())
    last = " ".join(tab.get(address, {"page": "2"}).content.decode().split())

    assert "21 active" in first
    assert "all 21 active tokens" in first
    assert "for <bdi>mallory</bdi>" not in first
    assert "for <bdi>mallory</bdi>" in last


def test_a_token_form_that_fails_says_why_on_the_same_page(tab: Client, app: Application) -> None:
    builders.keys(app)
    page = tab.post(f"/devportal/applications/{app.pk}/keys/production/tokens", {"seconds": "-5"})
    assert page.status_code == 400
    assert "must be between 1 second and 1 day" in page.content.decode()


def test_nobody_revokes_a_token_through_other_keys(tab: Client, app: Application, carol: User, mallory: User) -> None:
    builders.keys(app)
    other = builders.application(mallory)
    theirs = operations.generate_token(client=builders.keys(other).client, actor=mallory, now=timezone.now())
    mine = operations.generate_token(client=builders.keys(app, "SANDBOX").client, actor=carol, now=timezone.now())

    for token in (theirs.row.pk, mine.row.pk, 999_999):
        address = f"/devportal/applications/{app.pk}/keys/production/tokens/{token}/revocations"
        assert tab.post(address).status_code == 404
    assert AccessToken.objects.count() == 2


# --- subscriptions -------------------------------------------------------------------------------------------


def test_an_application_subscribes_changes_its_plan_and_leaves(tab: Client, app: Application, echo: Api) -> None:
    choose = f"/devportal/applications/{app.pk}/subscriptions"
    assert "EchoWebSocket" in tab.get(choose).content.decode()

    tab.post(f"{choose}/{echo.pk}", {"plan": "Gold"})
    row = Subscription.objects.get()
    assert "Nothing left to subscribe to" in tab.get(choose).content.decode()
    assert tab.get(f"/devportal/subscriptions/{row.pk}/plan").status_code == 200
    tab.post(f"/devportal/subscriptions/{row.pk}/plan", {"plan": "Silver"})
    assert Subscription.objects.get().plan.name == "Silver"
    gone = tab.post(f"/devportal/subscriptions/{row.pk}/deletions")

    assert "no longer subscribed" in said(gone)
    assert not Subscription.objects.exists()


def test_choosing_the_same_plan_again_is_said(tab: Client, app: Application, echo: Api) -> None:
    row = builders.subscription(app, echo)
    page = tab.post(f"/devportal/subscriptions/{row.pk}/plan", {"plan": "Gold"})
    assert page.status_code == 409
    assert "under Gold already" in page.content.decode()


def test_a_plan_that_needs_approval_is_announced_as_waiting(tab: Client, app: Application, bob: User) -> None:
    builders.plan("VIP", requires_approval=True)
    vip = builders.api(bob, "Vip", plans=("VIP",))
    answer = tab.post(f"/devportal/applications/{app.pk}/subscriptions/{vip.pk}", {"plan": "VIP"})
    assert "as soon as the publisher approves" in said(answer)
    assert "Waiting for approval" in tab.get(answer.url).content.decode()


def test_a_blocked_subscription_may_be_left_and_the_question_says_that_the_block_stays(
    tab: Client, app: Application, echo: Api
) -> None:
    row = builders.subscription(app, echo, state="BLOCKED")
    shown = tab.get(f"/devportal/applications/{app.pk}").content.decode()
    assert "The publisher has blocked you from this API" in shown
    assert "You stay blocked until the publisher lifts that." in shown
    assert tab.post(f"/devportal/subscriptions/{row.pk}/deletions").status_code == 302


def test_an_api_that_was_withdrawn_does_not_break_the_page(tab: Client, app: Application, echo: Api) -> None:
    builders.subscription(app, echo)
    Api.objects.update(state="RETIRED")
    shown = tab.get(f"/devportal/applications/{app.pk}").content.decode()
    assert "EchoWebSocket" in shown
    assert f'href="/devportal/apis/{echo.pk}"' not in shown


# --- who may -------------------------------------------------------------------------------------------------

READ = ["", "/edit", "/keys/production", "/subscriptions"]
WRITE = ["/edit", "/deletions", "/keys/production", "/keys/production/secrets", "/keys/production/tokens"]


@pytest.mark.parametrize("path", READ)
def test_pages_of_an_application_open_for_its_owner_only(
    app: Application, browser: Browser, carol: User, mallory: User, admin: User, alice: User, path: str
) -> None:
    address = f"/devportal/applications/{app.pk}{path}"
    statuses = [browser(who).get(address).status_code for who in (None, carol, mallory, admin, alice)]
    assert statuses == [302, 200, 404, 404, 403]


@pytest.mark.parametrize("path", WRITE)
def test_nobody_else_writes_to_an_application(
    app: Application, browser: Browser, mallory: User, admin: User, alice: User, path: str
) -> None:
    builders.keys(app)
    address = f"/devportal/applications/{app.pk}{path}"
    statuses = [browser(who).post(address, FIELDS).status_code for who in (None, mallory, admin, alice)]
    assert statuses == [302, 404, 404, 403]
    app.refresh_from_db()
    assert app.description == "Talks"


def test_nobody_else_touches_a_subscription(
    app: Application, echo: Api, browser: Browser, mallory: User, bob: User
) -> None:
    row = builders.subscription(app, echo)
    for who, status in ((mallory, 404), (bob, 403)):
        assert browser(who).get(f"/devportal/subscriptions/{row.pk}/plan").status_code == status
        assert browser(who).post(f"/devportal/subscriptions/{row.pk}/deletions").status_code == status
    assert Subscription.objects.exists()


@pytest.mark.parametrize("path", ["/deletions", "/keys/production/secrets", "/keys/production/tokens"])
def test_writes_need_post(tab: Client, app: Application, path: str) -> None:
    assert tab.get(f"/devportal/applications/{app.pk}{path}").status_code == 405


# --- what a deed would end ----------------------------------------------------------------------------------


@pytest.fixture
def two_open(monkeypatch: pytest.MonkeyPatch, app: Application) -> None:
    """Two connections are open: of this application, to every API, on the newest token."""

    def counted(by: str, different: str = "pk", **which: str) -> dict[str, int]:
        rows = {"token_id": AccessToken, "api_id": Api, "application_id": Application}[by].objects
        newest = rows.order_by("-pk").first() if by == "token_id" else rows.first()
        return {str(newest.pk): 2} if newest else {}

    monkeypatch.setitem(impact.registered, "live", [counted])


def test_every_destructive_dialog_says_how_many_connections_it_closes(
    two_open: None, app: Application, echo: Api, carol: User, bob: User, browser: Browser
) -> None:
    builders.subscription(app, echo)
    client = builders.keys(app).client
    operations.generate_token(client=client, actor=carol, now=timezone.now())
    said = "2 live connections are closed."
    tab = browser(carol)
    application = tab.get(f"/devportal/applications/{app.pk}").content.decode()
    assert application.count(said) == 3  # unsubscribe, give away, delete
    keys = tab.get(f"/devportal/applications/{app.pk}/keys/production").content.decode()
    assert keys.count(said) == 3  # revoke, revoke all, regenerate
    subscribers = browser(bob).get(f"/publisher/apis/{echo.pk}/subscriptions").content.decode()
    assert subscribers.count(said) == 2  # block all, block production only


def test_many_subscriptions_are_paged_with_those_that_do_not_work_first(
    tab: Client, app: Application, bob: User
) -> None:
    for number in range(26):
        builders.subscription(app, builders.api(bob, f"Api{number:02}"), state="REJECTED" if number == 25 else "")
    first, second = (tab.get(f"/devportal/applications/{app.pk}", {"page": page}).content.decode() for page in "12")
    assert ("Api25" in first, "Api24" in first) == (True, False)
    assert "Api24" in second
    assert "This deletes 26 subscriptions" in second
