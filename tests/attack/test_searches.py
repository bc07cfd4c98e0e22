"""Searches and numbers of any size cost nothing: they are refused in a sentence, by page and by REST."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from tests.devportal import builders as subscribers
from tests.publisher.builders import plans
from tests.rest.conftest import DEVPORTAL, PUBLISHER

FLOODS = {
    "at most 10 words; these are 100": " ".join("a" * 100),
    "at most 200 characters; these are 20000": "a" * 20_000,
}
SHORT = " ".join("abcdefghij")


@pytest.fixture
def pages(admin: User, client: Client) -> dict[str, str]:
    """Every page with a search, as the administrator sees it."""
    plans()
    api, application = subscribers.api(admin), subscribers.application(admin)
    client.force_login(admin)
    return {
        "the Publisher's APIs": reverse("publisher:apis"),
        "the catalogue": reverse("devportal:catalogue"),
        "applications": reverse("devportal:applications"),
        "APIs to choose": reverse("devportal:subscription-choose", args=[application.pk]),
        "subscribers": reverse("devportal:subscribers", args=[api.pk]),
        "users": reverse("accounts:users"),
    }


@pytest.mark.parametrize("sentence", list(FLOODS))
def test_a_page_refuses_to_search_for_more_than_a_person_would(
    pages: dict[str, str], client: Client, sentence: str
) -> None:
    for name, path in pages.items():
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(path, {"q": FLOODS[sentence]})
        shown = " ".join(answer.content.decode().split())
        assert answer.status_code == 400, name
        said = re.search(r'id="search-refusal".*?<span>(.*?)</span>', shown)
        assert said, name
        assert sentence in said[1], name
        assert f'value="{FLOODS[sentence]}"' in shown, name
        assert 'aria-invalid="true"' in shown, name
        assert not [query for query in asked.captured_queries if "LIKE '%" in query["sql"]], name
        assert client.get(path, {"q": SHORT}).status_code == 200, name


def test_a_page_of_any_number_is_a_page(pages: dict[str, str], client: Client) -> None:
    for name, path in pages.items():
        assert client.get(path, {"page": "9" * 4301}).status_code == 200, name
        assert client.get(path, {"tag": "x" * 20_000, "state": "y" * 20_000, "sort": "z" * 20_000}).status_code < 500


@pytest.mark.parametrize(
    "path",
    [f"{PUBLISHER}/apis", f"{PUBLISHER}/subscriptions", f"{DEVPORTAL}/apis", f"{DEVPORTAL}/applications"],
)
def test_rest_refuses_the_same(pages: dict[str, str], client: Client, path: str) -> None:
    for sentence, text in FLOODS.items():
        answer = client.get(path, {"query": text})
        assert (answer.status_code, answer.json()["error"][0]["field"]) == (400, "query")
        assert sentence in answer.json()["description"]
    for number in ("9" * 4301, "0" * 4301, "١٢"):
        assert client.get(path, {"limit": number}).status_code == 400
        assert client.get(path, {"offset": number}).status_code == 400
    assert client.get(path, {"query": SHORT}).status_code == 200
