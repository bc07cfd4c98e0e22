"""The pages of topics and messages, without JavaScript."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from publisher import operations
from publisher.models import Api
from publisher.topics import topic_fields
from tests.publisher.builders import LATER, make_api
from tests.publisher.test_pages import browse, text_of
from tests.publisher.test_topics import PLAIN, ROOM, SAY

ROOM_QUERY = {"topic": "/rooms/{id}"}
SAY_QUERY = {**ROOM_QUERY, "direction": "publish", "message": "say"}


def page(name: str, api: Api, **query: str) -> str:
    return reverse(f"publisher:{name}", kwargs={"pk": api.pk}) + (f"?{urlencode(query)}" if query else "")


def drawn(response: Any) -> dict[str, Any]:
    """What a browser would send back of a page's form as it was drawn."""
    return {field.html_name: field.value() for field in response.context["form"] if field.value() not in (None, "")}


@pytest.fixture
def api(alice: User) -> Api:
    return make_api(alice, topics=[PLAIN, ROOM])


def test_the_list_shows_paths_directions_messages_and_scopes(api: Api, alice: User) -> None:
    text = text_of(browse(alice).get(page("topics", api)))
    for words in ("/rooms/{id}", "↑ publish", "↓ subscribe", "say", "rooms", "One room. Комната."):
        assert words in text


def test_an_api_without_topics_says_that_every_path_is_open(alice: User) -> None:
    api = make_api(alice)
    assert "Every path is open" in text_of(browse(alice).get(page("topics", api)))


def test_a_new_topic_leads_to_its_own_page_and_asks_what_its_variables_mean(api: Api, alice: User) -> None:
    client = browse(alice)
    new = {**drawn(client.get(page("topic", api))), "target": "/users/{name}", "verbs": ["publish"]}
    response = client.post(page("topic", api), new, follow=True)
    assert response.redirect_chain[-1][0] == page("topic", api, topic="/users/{name}")
    assert "{name}" in response.context["form"].fields["variable:name"].label
    assert Api.objects.get().topics[-1] == {
        "target": "/users/{name}",
        "verbs": ["publish"],
        "mapping": "",
        "scopes": [],
    }


def test_what_was_drawn_is_saved_as_it_was(api: Api, alice: User) -> None:
    client = browse(alice)
    for name, query in (("topic", ROOM_QUERY), ("message", SAY_QUERY)):
        response = client.post(page(name, api, **query), drawn(client.get(page(name, api, **query))))
        assert response.status_code == 302
    assert Api.objects.get().topics == [PLAIN, ROOM]


def test_wrong_input_keeps_what_was_typed_and_says_what_to_do(api: Api, alice: User) -> None:
    client = browse(alice)
    fields = drawn(client.get(page("topic", api, **ROOM_QUERY)))
    response = client.post(page("topic", api, **ROOM_QUERY), {**fields, "target": "/a/*/b", "description": "Typed."})
    assert response.status_code == 400
    assert "* is the whole last segment" in text_of(response)
    assert "Typed." in response.content.decode()
    fields = drawn(client.get(page("message", api, **SAY_QUERY)))
    for change, said in (
        ({"schema": '{"type":\n  "strin"}'}, "at /type"),
        ({"schema": "type: [object"}, "Line 1"),
        ({"examples": '{"text": "a"}\nhello'}, "Line 2 is no JSON"),
        ({"examples": '{"text": 5}'}, "Example 1 does not fit the schema: at /text"),
        ({"examples": "NaN"}, "no JSON"),
        ({"name": "two words"}, "without a space"),
    ):
        response = client.post(page("message", api, **SAY_QUERY), {**fields, **change})
        assert response.status_code == 400, change
        assert said in unescape(text_of(response))
        assert next(iter(change.values())) in unescape(response.content.decode())
    assert Api.objects.get().topics == [PLAIN, ROOM]


def test_a_schema_may_be_typed_in_yaml(api: Api, alice: User) -> None:
    client = browse(alice)
    fields = drawn(client.get(page("message", api, **SAY_QUERY)))
    sent = {**fields, "schema": "type: object\nproperties:\n  text: {type: string}\n", "examples": '{"text": "a"} {}'}
    assert client.post(page("message", api, **SAY_QUERY), sent).status_code == 302
    message = Api.objects.get().topics[1]["messages"]["publish"][0]
    assert message["schema"] == SAY["schema"]
    assert message["examples"] == [{"text": "a"}, {}]


def test_the_second_of_two_people_sees_both_texts_and_the_next_save_goes_over(api: Api, alice: User) -> None:
    client = browse(alice)
    fields = drawn(client.get(page("topic", api, **ROOM_QUERY)))
    theirs = {**topic_fields(ROOM), "description": "Theirs.", "scopes": ["other"]}
    operations.save_topic(api=api, original="/rooms/{id}", topic=theirs, base=None, actor=alice, now=LATER)
    response = client.post(page("topic", api, **ROOM_QUERY), {**fields, "description": "Mine."})
    assert response.status_code == 409
    text = text_of(response)
    assert "What is stored now" in text
    assert "Theirs." in text
    again = {**drawn(response), "description": "Mine."}
    assert client.post(page("topic", api, **ROOM_QUERY), again).status_code == 302
    saved = Api.objects.get().topics[1]
    assert (saved["description"], saved["scopes"]) == ("Mine.", ["other"])


def test_what_was_typed_for_a_topic_that_is_gone_can_be_added_anew(api: Api, alice: User) -> None:
    client = browse(alice)
    fields = {**drawn(client.get(page("topic", api, **ROOM_QUERY))), "description": "Mine."}
    message = drawn(client.get(page("message", api, **SAY_QUERY)))
    operations.delete_topic(api=api, target="/rooms/{id}", actor=alice, now=LATER)
    response = client.post(page("message", api, **SAY_QUERY), message)
    assert response.status_code == 409
    assert "Says something in a room." in response.content.decode()
    response = client.post(page("topic", api, **ROOM_QUERY), fields)
    assert response.status_code == 409
    assert "save again to add it anew" in text_of(response)
    assert client.post(page("topic", api, **ROOM_QUERY), drawn(response)).status_code == 302
    assert Api.objects.get().topics[1]["description"] == "Mine."


def test_topics_are_moved_and_deleted_by_plain_forms(api: Api, alice: User) -> None:
    client = browse(alice)
    client.post(page("topic-moves", api), {"topic": "/rooms/{id}", "to": "up"})
    assert [each["target"] for each in Api.objects.get().topics] == ["/rooms/{id}", "/rooms"]
    client.post(page("topic-deletions", api), {**SAY_QUERY})
    assert Api.objects.get().topics[0]["messages"] == {"subscribe": [{"name": "said"}]}
    client.post(page("topic-deletions", api), {"topic": "/rooms"})
    assert [each["target"] for each in Api.objects.get().topics] == ["/rooms/{id}"]
    assert client.post(page("topic-moves", api), {"topic": "/rooms/{id}", "to": "sideways"}).status_code == 400


def test_an_observer_reads_and_is_told_why_there_is_no_more(api: Api, observer: User) -> None:
    client: Client = browse(observer)
    for name, query in (("topics", {}), ("topic", ROOM_QUERY), ("message", SAY_QUERY)):
        response = client.get(page(name, api, **query))
        assert response.status_code == 200
        assert "needs the creator role" in text_of(response)
        assert not re.search(r">\s*(Save|Add topic|Add message|Delete topic)\s*<", response.content.decode())


def test_addresses_of_what_is_not_there_are_not_found(api: Api, alice: User) -> None:
    client = browse(alice)
    for name, query in (
        ("topic", {"topic": "/nowhere"}),
        ("message", {**SAY_QUERY, "topic": "/nowhere"}),
        ("message", {**SAY_QUERY, "direction": "sideways"}),
    ):
        assert client.get(page(name, api, **query)).status_code == 404


def test_rest_changes_of_operations_keep_what_is_said_of_their_topics(api: Api, alice: User) -> None:
    client = browse(alice)
    address = f"/api/am/publisher/v4/apis/{api.pk}"
    document = client.get(address).json()
    response = client.put(address, json.dumps({**document, "description": "New."}), content_type="application/json")
    assert response.status_code == 200, response.content
    assert Api.objects.get().topics == [PLAIN, ROOM]
