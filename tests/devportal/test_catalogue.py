"""What visitors find: the catalogue and the page of one API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import installation
from accounts.models import InstallationSettings, User
from devportal import operations, queries
from devportal.errors import ApiNotListed
from devportal.views.apis import cloud
from publisher.models import Api
from tests.devportal import builders
from tests.devportal.builders import NOW
from tests.devportal.conftest import Browser

pytestmark = pytest.mark.django_db


def names(viewer: User | None, **search: str) -> list[str]:
    return [str(api) for api in queries.catalogue_for(viewer or AnonymousUser(), **search)]


@pytest.fixture
def every_state(bob: User) -> dict[str, Api]:
    states = ["CREATED", "PROTOTYPED", "PUBLISHED", "BLOCKED", "DEPRECATED", "RETIRED"]
    return {state: builders.api(bob, state.title(), state=state) for state in states}


# --- who finds what ------------------------------------------------------------------------------------------


def test_anybody_finds_what_is_published_or_pre_released(every_state: dict[str, Api], carol: User) -> None:
    assert names(None) == names(carol) == ["Prototyped 1.0.0", "Published 1.0.0"]


def test_subscribers_still_find_what_is_deprecated(every_state: dict[str, Api], carol: User, mallory: User) -> None:
    _subscribe_to_all(every_state, carol)

    assert names(carol) == ["Deprecated 1.0.0", "Prototyped 1.0.0", "Published 1.0.0"]
    assert "Deprecated 1.0.0" not in names(mallory)


def test_subscribers_may_still_open_what_is_served(every_state: dict[str, Api], carol: User, mallory: User) -> None:
    _subscribe_to_all(every_state, carol)

    opened = {state for state, api in every_state.items() if _may_open(carol, api)}
    assert opened == {"PROTOTYPED", "PUBLISHED", "BLOCKED", "DEPRECATED"}
    assert {state for state, api in every_state.items() if _may_open(mallory, api)} == {"PROTOTYPED", "PUBLISHED"}


def test_what_is_no_id_is_not_found_rather_than_a_crash(carol: User) -> None:
    with pytest.raises(ApiNotListed):
        queries.api_for(carol, "no-such-id")


def _subscribe_to_all(apis: dict[str, Api], owner: User) -> None:
    app = builders.application(owner)
    Api.objects.update(state="PUBLISHED")
    for state, api in apis.items():
        builders.subscription(app, api)
        Api.objects.filter(pk=api.pk).update(state=state)


def _may_open(viewer: User, api: Api) -> bool:
    try:
        return queries.api_for(viewer, api.pk) == api
    except ApiNotListed:
        return False


# --- searching -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["Chat 2.1.0", "Ticker 1.0.0"]),
        ("chat", ["Chat 2.1.0"]),
        ("CHAT rooms", ["Chat 2.1.0"]),
        ("chat stocks", []),
        ("2.1", ["Chat 2.1.0"]),
        ("/stocks", ["Ticker 1.0.0"]),
        ("café", ["Chat 2.1.0"]),
        ('"', []),
        ("%", []),
    ],
)
def test_every_word_has_to_occur_somewhere(bob: User, text: str, found: list[str]) -> None:
    builders.api(bob, "Chat", version="2.1.0", description="Rooms where people talk", tags=["café", "talk"])
    builders.api(bob, "Ticker", context="/stocks", tags=["money"])

    assert names(None, text=text) == found


def test_a_tag_has_to_match_whole(bob: User) -> None:
    builders.api(bob, "Chat", tags=["café", "talk"])
    builders.api(bob, "Ticker", tags=["talks"])

    assert names(None, tag="talk") == ["Chat 1.0.0"]
    assert names(None, tag="café") == ["Chat 1.0.0"]
    assert names(None, tag="tal") == []


def test_tags_are_counted_over_what_the_viewer_finds(bob: User) -> None:
    builders.api(bob, "Chat", tags=["talk", "echo"])
    builders.api(bob, "Echo", tags=["echo"])
    builders.api(bob, "Hidden", tags=["secret"], state="CREATED")

    assert queries.tags_for(AnonymousUser()) == [("echo", 2), ("talk", 1)]
    assert queries.tags_for(AnonymousUser(), text="talk") == [("echo", 1), ("talk", 1)]


# --- the pages -----------------------------------------------------------------------------------------------


def test_the_portal_opens_with_the_catalogue_for_everybody(bob: User, browser: Browser) -> None:
    builders.api(bob, "EchoWebSocket", description="Echoes every message back.")
    builders.api(bob, "Soon", state="PROTOTYPED")

    page = browser(None).get("/devportal/", follow=True)

    assert page.redirect_chain[-1][0] == "/devportal/apis"
    shown = page.content.decode()
    assert "EchoWebSocket" in shown
    assert "Echoes every message back." in shown
    assert "Pre-Released" in shown


def test_an_empty_catalogue_leads_on(alice: User, browser: Browser) -> None:
    assert "No API has been published yet" in browser(None).get("/devportal/apis").content.decode()
    assert 'href="/publisher/"' in browser(alice).get("/devportal/apis").content.decode()


def test_a_search_without_result_says_so_and_keeps_the_words_harmless(browser: Browser) -> None:
    shown = browser(None).get("/devportal/apis", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "Nothing found" in shown
    assert "<script>alert(1)</script>" not in shown


def test_a_page_beyond_the_last_shows_the_last(bob: User, browser: Browser) -> None:
    for number in range(25):
        builders.api(bob, f"Api{number:02}")
    shown = browser(None).get("/devportal/apis", {"page": "99"}).content.decode()
    assert "Api24" in shown
    assert "Api00" not in shown


def test_an_api_shows_its_addresses_plans_and_versions(bob: User, browser: Browser) -> None:
    builders.plan("Gold", quota=50_000, rate=100, connections=100)
    echo = builders.api(bob, context="/echowebsocket")
    builders.api(bob, context="/echowebsocket", version="2.0.0")
    builders.api(bob, context="/echowebsocket", version="3.0.0", state="CREATED")

    shown = browser(None).get(f"/devportal/apis/{echo.pk}").content.decode()

    for address in (
        "ws://localhost:9099/echowebsocket/1.0.0",
        "wss://localhost:8099/echowebsocket/1.0.0",
        "ws://localhost:9099/echowebsocket/1.0",
        "wss://localhost:8099/echowebsocket/1.0",
    ):
        assert f'data-copy="{address}"' in shown, address
    assert "Connections at once" in shown
    assert "2.0.0" in shown
    assert "3.0.0" not in shown


def test_the_wizard_sends_strangers_to_sign_in_and_back(bob: User, carol: User, browser: Browser) -> None:
    echo = builders.api(bob)
    client = browser(None)
    wizard = f"/devportal/apis/{echo.pk}/wizard"

    assert f'href="{wizard}"' in client.get(f"/devportal/apis/{echo.pk}").content.decode()
    answer = client.get(wizard)

    assert answer.status_code == 302
    assert answer.url.startswith("/devportal/sign-in?next=")
    assert wizard.replace("/", "%2F") in answer.url


def test_an_api_that_takes_nobody_offers_no_wizard(bob: User, carol: User, browser: Browser) -> None:
    echo = builders.api(bob)
    builders.subscription(builders.application(carol), echo)
    Api.objects.update(state="DEPRECATED")

    assert browser(None).get(f"/devportal/apis/{echo.pk}").status_code == 404
    shown = browser(carol).get(f"/devportal/apis/{echo.pk}").content.decode()
    assert "deprecated" in shown
    assert "KEY GENERATION WIZARD" in shown  # for the subscription that exists


def test_somebody_without_the_role_is_not_offered_the_wizard(bob: User, browser: Browser) -> None:
    echo = builders.api(bob)
    assert "KEY GENERATION WIZARD" not in browser(bob).get(f"/devportal/apis/{echo.pk}").content.decode()
    assert browser(bob).get(f"/devportal/apis/{echo.pk}/wizard").status_code == 403


def test_credentials_list_the_viewers_own_applications(bob: User, carol: User, mallory: User, browser: Browser) -> None:
    echo = builders.api(bob)
    with_keys, without = builders.application(carol, "With keys"), builders.application(carol, "Without")
    builders.subscription(with_keys, echo)
    builders.subscription(without, echo)
    builders.subscription(builders.application(mallory, "Somebody elses"), echo)
    builders.keys(with_keys)

    shown = browser(carol).get(f"/devportal/apis/{echo.pk}/credentials").content.decode()

    assert f"/wizard/{with_keys.pk}/production/token" in shown
    assert f"/wizard/{without.pk}/keys" in shown
    assert "Somebody elses" not in shown


def test_an_api_shows_how_a_token_may_be_shown(bob: User, browser: Browser) -> None:
    echo = builders.api(bob)
    page = f"/devportal/apis/{echo.pk}"
    assert "?access_token=" in browser(None).get(page).content.decode()
    echo.deployed_revision.snapshot["query_token"] = False
    echo.deployed_revision.save()
    assert "?access_token=" not in browser(None).get(page).content.decode()


# --- order, versions, visitors -------------------------------------------------------------------------------


def shelved(viewer: User, **asked: Any) -> list[str]:
    return [str(api) for api in queries.shelves_for(viewer, **asked)]


def test_versions_are_one_card_unless_asked_for_or_only_an_older_one_fits(bob: User, carol: User) -> None:
    builders.api(bob, "Chat", description="Rooms")
    builders.api(bob, "Chat", context="/chat", version="2.0.0", created_at=NOW + timedelta(days=1))
    builders.api(bob, "News")
    assert shelved(carol) == ["Chat 2.0.0", "News 1.0.0"]
    assert shelved(carol, text="rooms") == ["Chat 1.0.0"]
    assert shelved(carol, every_version=True) == ["Chat 2.0.0", "Chat 1.0.0", "News 1.0.0"]
    assert queries.count_versions(carol, queries.shelves_for(carol)) == {"chat": 2, "news": 1}


def test_the_catalogue_is_sorted_by_stars_and_by_age(bob: User, carol: User) -> None:
    old, new = builders.api(bob, "Zebra"), builders.api(bob, "Ape", published_at=NOW + timedelta(days=1))
    builders.api(bob, "Bee", published_at=NOW - timedelta(days=1))
    operations.rate_api(api=old, stars=5, actor=carol, now=NOW)
    operations.rate_api(api=new, stars=2, actor=carol, now=NOW)
    assert [name.split()[0] for name in shelved(carol, sort="newest")] == ["Ape", "Zebra", "Bee"]
    assert [name.split()[0] for name in shelved(carol, sort="rating")] == ["Zebra", "Ape", "Bee"]
    assert [name.split()[0] for name in shelved(carol, sort="nonsense")] == ["Ape", "Bee", "Zebra"]


def test_more_apis_cost_no_more_queries(bob: User, carol: User, browser: Browser) -> None:
    client = browser(carol)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/devportal/apis").status_code == 200
        return len(asked)

    builders.api(bob, tags=["one"])
    few = cost()
    for number in range(5):
        builders.api(bob, f"More {number}", context=f"/more{number}", tags=[f"tag{number}"])
    assert cost() == few


def test_who_is_not_signed_in_finds_nothing_where_the_catalogue_is_not_for_visitors(bob: User, carol: User) -> None:
    api = builders.api(bob)
    cache.set(installation.KEY, InstallationSettings(anonymous_browsing=False), None)
    assert not queries.catalogue_for(AnonymousUser()).exists()
    assert queries.catalogue_for(carol).get() == api


# --- cards and list ------------------------------------------------------------------------------------------


def test_the_list_is_remembered_by_the_browser_that_chose_it(bob: User, browser: Browser) -> None:
    builders.api(bob, description="Echoes every message back.")
    client = browser(None)
    assert "catalogue-table" not in client.get("/devportal/apis").content.decode()
    assert "catalogue-table" in client.get("/devportal/apis?view=list").content.decode()
    remembered = client.get("/devportal/apis").content.decode()
    assert "catalogue-table" in remembered
    assert "Echoes every message back." in remembered
    client.get("/devportal/apis?view=cards")
    client.get("/devportal/apis?view=nonsense")
    assert "catalogue-table" not in client.get("/devportal/apis").content.decode()


def test_a_tag_is_larger_the_more_apis_carry_it() -> None:
    tags = [("b", 9), ("a", 4), ("d", 2), ("C", 1)]
    assert cloud(tags) == [("a", 4, 2), ("b", 9, 3), ("C", 1, 0), ("d", 2, 1)]
    assert cloud([]) == []


def test_a_search_says_where_else_it_was_found_and_shows_what_fits_best_first(bob: User, browser: Browser) -> None:
    builders.api(bob, "Alpha", topics=[{"target": "/chat", "verbs": ["publish"], "scopes": [], "mapping": ""}])
    builders.api(bob, "Chat")
    for view in ("cards", "list"):
        shown = browser(None).get("/devportal/apis", {"q": "chat", "view": view}).content.decode()
        assert shown.index(">Chat<") < shown.index(">Alpha<")
        assert "Found in <bdi>its topics</bdi>" in shown
