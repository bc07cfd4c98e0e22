"""The list of APIs as table and cards, and one lifecycle action for several of them."""

from typing import Any

import pytest

from accounts.models import User
from publisher import impact
from publisher.lifecycle import State
from publisher.models import Api
from tests.publisher.builders import in_state, make_api
from tests.publisher.test_pages import browse, text_of

BULK = "/publisher/transitions"


def ticked(*apis: Api) -> list[str]:
    return [f"{api.pk} {api.state}" for api in apis]


def test_what_it_would_do_is_said_for_each_and_who_would_be_refused(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, draft = in_state(make_api(alice), State.PUBLISHED), make_api(alice, name="Draft", context="/draft")
    open_now = {"pk": 37, "application_id": 4}
    count_open = lambda by, different, **which: {str(served.pk): open_now[different]}  # noqa: E731
    monkeypatch.setitem(impact.registered, "live", [count_open])
    page = browse(bob).get(BULK, {"action": "Block", "apis": ticked(served, draft)})
    assert "Refuses calls with 503; closes 37 live connections of 4 applications (code 4006)." in text_of(page)
    assert "An API that is Created cannot take 'Block'" in text_of(page)
    assert "Block 1 API" in text_of(page)
    assert {api.stage for api in Api.objects.all()} == {State.PUBLISHED, State.CREATED}


def test_each_is_done_by_itself_and_each_refused_one_is_named_with_its_reason(alice: User, bob: User) -> None:
    ready, bare = make_api(alice), make_api(alice, name="Bare", context="/bare", endpoint="", plans=[])
    page = browse(bob).post(BULK, {"action": "Publish", "apis": ticked(ready, bare)})
    words = text_of(page)
    assert "1 API is Published now." in words
    assert "Bare 1.0.0 stays as it was" in words
    assert "Give the endpoint that calls are passed on to." in words
    ready.refresh_from_db()
    bare.refresh_from_db()
    assert (ready.stage, bare.stage) == (State.PUBLISHED, State.CREATED)


def test_an_api_that_moved_meanwhile_is_left_alone(alice: User, bob: User) -> None:
    api = in_state(make_api(alice), State.PUBLISHED)
    seen = ticked(api)
    in_state(api, State.BLOCKED)
    assert "is Blocked by now; you saw it Published" in text_of(
        browse(bob).post(BULK, {"action": "Deprecate", "apis": seen})
    )


def test_retiring_asks_for_a_word(alice: User, bob: User) -> None:
    api = in_state(make_api(alice), State.DEPRECATED)
    sent = {"action": "Retire", "apis": ticked(api)}
    refused = browse(bob).post(BULK, sent)
    assert refused.status_code == 400
    assert "Type retire to go on" in text_of(refused)
    assert "Retired now" in text_of(browse(bob).post(BULK, {**sent, "confirmation": "retire"}))


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"apis": ["x"]}, "Choose what is to be done."),
        ({"action": "Publish"}, "Tick the APIs"),
        ({"action": "Publish", "apis": ["nonsense"]}, "not there any more"),
        ({"action": "Publish", "apis": ["00000000-0000-0000-0000-000000000000 CREATED"]}, "not there any more"),
        ({"action": "Explode", "apis": ["x"]}, "Explode is not one of the available choices"),
    ],
)
def test_nothing_chosen_is_told(bob: User, sent: dict[str, Any], sentence: str) -> None:
    page = browse(bob).get(BULK, sent)
    assert page.status_code == 400
    assert sentence in text_of(page)


@pytest.mark.parametrize("view", ["", "cards"])
def test_the_list_costs_as_many_queries_for_many_apis_as_for_one(
    alice: User, bob: User, view: str, django_assert_max_num_queries: Any
) -> None:
    client = browse(bob)
    client.get(f"/publisher/apis?view={view}")
    for number in range(12):
        make_api(alice, name=f"Api {number}", context=f"/a{number}")
    with django_assert_max_num_queries(9):
        page = client.get(f"/publisher/apis?view={view}")
    assert "Api 11" in text_of(page)


def test_a_search_that_cannot_be_read_says_what_is_possible(alice: User) -> None:
    page = browse(alice).get("/publisher/apis?q=colour:red")
    assert page.status_code == 400
    assert "colour: cannot be searched for. Possible: content:" in text_of(page)
