"""A mock in a backend's place: what may be written, what it answers, and that it is enough to publish."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.errors import Invalid
from publisher import operations, snapshots
from publisher.lifecycle import State
from publisher.mock import MOST_LINES, OFF, Mock, Speaker, Step, clean_mock, read_step
from publisher.models import Api
from tests.publisher.builders import LATER, NOW, as_posted, make_api, plans
from tests.publisher.test_pages import browse

CHAT = {
    "is_on": True,
    "on_connect": ['{"type": "welcome"}'],
    "replies": [
        "ping => pong",
        'type=join => {"joined": "${room}", "of": ${size}, "at": "${where.floor}"}',
        "x = 1=>eh",
    ],
}


def mocked(**given: Any) -> Mock:
    mock = Mock.from_document({**OFF, **clean_mock({"is_on": True, **given})})
    assert mock
    return mock


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("ping", "pong"),
        (b"ping", "pong"),
        ("pings", None),
        (
            '{"type": "join", "room": "الغرفة \\"1\\"", "size": 3, "where": {"floor": "2"}}',
            '{"joined": "الغرفة \\"1\\"", "of": 3, "at": "2"}',
        ),
        ('{"type": "join"}', '{"joined": "", "of": , "at": ""}'),
        ('{"type": "leave"}', None),
        ('{"x": 1}', "eh"),
        ("x = 1", "eh"),
        ("{" * 100_000, None),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_the_first_reply_that_fits_answers(heard: str | bytes, answer: str | None) -> None:
    assert Speaker(mocked(**CHAT)).answer(heard) == answer


TOPICS: list[dict[str, Any]] = [
    {
        "target": "/rooms/{id}",
        "verbs": ["publish", "subscribe"],
        "messages": {
            "publish": [
                {"name": "join", "schema": {"type": "object", "required": ["id", "room"]}},
                {"name": "say", "schema": {"type": "string", "maxLength": 5}},
                {"name": "bare"},
            ],
            "subscribe": [
                {"name": "joined", "examples": [{"id": 0, "who": {"room": "tea"}}, {"id": 0, "n": "${room}"}]},
                {"name": "word", "examples": ["hear"]},
            ],
        },
    }
]


@pytest.mark.parametrize(
    ("heard", "answers"),
    [
        (
            '{"id": 7, "room": "чай"}',
            ['{"id": 7, "who": {"room": "tea"}}', '{"id": 7, "n": "чай"}', '{"id": 7, "who": {"room": "tea"}}'],
        ),
        ('{"id": 7, "room": "x", "who": {"room": "den"}}', ['{"id": 7, "who": {"room": "den"}}']),
        ('{"room": "x"}', ["else"]),
        ("hello", ["hear"]),
        ('"hello"', ["hear"]),
        ("hello, you", ["else"]),
        ("@joined", ["else"]),
        ("12", ["else"]),
        ("[" * 100_000, ["else"]),
    ],
)
def test_a_message_is_known_by_its_schema_and_answered_with_an_example_that_carries_its_id(
    heard: str, answers: list[str]
) -> None:
    replies = [
        "@join => @joined(id, who.room)",
        "@say => @word(id)",
        "@bare => never",
        "@no-such => never",
        "* => else",
    ]
    mock = Mock.from_document({**OFF, **clean_mock({"is_on": True, "replies": replies})}, TOPICS)
    assert mock
    speaker = Speaker(mock)
    assert [speaker.answer(heard) for _ in answers] == answers


def test_an_api_without_a_backend_is_created_and_published_with_a_mock(admin: User) -> None:
    form = {"name": "Chat", "context": "/chat", "version": "1", "plans": ["Gold"], "mock": "on", "publish": "1"}
    plans("Gold")
    answer = browse(admin).post(reverse("publisher:create"), form)
    assert answer.status_code == 302
    api = Api.objects.get()
    assert (api.stage, api.mock["echo"], api.production) == (State.PUBLISHED, True, {})


def test_what_no_reply_fits_may_come_back_as_it_was() -> None:
    speaker = Speaker(mocked(replies=["ping => pong"], echo=True))
    assert (speaker.answer("ping"), speaker.answer(b"\xff\x00"), speaker.answer("é")) == ("pong", b"\xff\x00", "é")


def test_a_name_stands_for_the_examples_of_the_topics_in_turn() -> None:
    said = {"name": "said", "examples": [{"text": "héllo"}, "plain"]}
    topics = [{"target": "/rooms/{id}", "messages": {"subscribe": [said, {"name": "silent"}]}}]
    mock = Mock.from_document({**OFF, "is_on": True, "on_connect": ["@said"]}, topics)
    assert mock
    speaker, other = Speaker(mock), Speaker(mock)
    assert [speaker.says(each) for each in ("@said", "@said", "@said", "@silent", "said")] == [
        *('{"text": "héllo"}', "plain", '{"text": "héllo"}', "@silent", "said"),
    ]
    assert other.says("@said") == '{"text": "héllo"}'


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("send  hello you ", Step("hello you", 1)),
        ("burst 10 tick", Step("tick", 10)),
        ("pause 0.5", Step(pause=0.5)),
        ("close 1000", Step(code=1000)),
        ("close 4003 au revoir", Step(code=4003, reason="au revoir")),
    ],
)
def test_a_line_of_a_script_is_a_step(line: str, step: Step) -> None:
    assert read_step(line) == step


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("replies", ["ping"], "what => message"),
        ("replies", [" => pong"], "what => message"),
        ("script", ["sing la"], "send MESSAGE"),
        ("script", ["send"], "send MESSAGE"),
        ("script", ["burst 1001 x"], "at most 1000"),
        ("script", ["burst ٣٣٣٣٣٣٣٣٣٣٣٣ x"], "at most 1000"),
        ("script", ["burst 0 x"], "at most 1000"),
        ("script", ["pause 0"], "pause SECONDS"),
        ("script", ["pause 0.01"], "0.1 to 3600"),
        ("script", ["close 1005"], "close CODE"),
        ("script", ["close 1000 " + "é" * 62], "close CODE"),
        ("script", ["repeat", "send x"], "last line"),
        ("script", ["send x", "repeat"], "needs a pause"),
        ("on_connect", ["x"] * (MOST_LINES + 1), "At most 50"),
        ("on_connect", ["x" * 4001], "4000"),
        ("on_connect", ["a\x00b"], "control"),
        ("on_connect", "hello", "list of lines"),
        ("on_connect", [1], "list of lines"),
        ("echo", "yes", "true or false"),
        ("every", True, "number of seconds"),
        ("every", 0.01, "0.1 to 3600"),
        ("every", 5, "neither"),
        ("in_turn", ["x"], "neither"),
        ("rules", [], "no such field"),
    ],
)
def test_what_cannot_be_said_is_refused_with_what_to_do(field: str, value: Any, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        clean_mock({field: value})
    assert word in " ".join(refused.value.fields.values())


def test_a_mock_that_says_nothing_is_stored_as_none() -> None:
    assert clean_mock({}) == clean_mock(dict(OFF)) == {}
    assert Mock.from_document({}) is None


@pytest.mark.django_db
def test_an_api_without_a_backend_is_published_with_a_mock(admin: User) -> None:
    api = make_api(admin, endpoint="", mock=CHAT, publish=True)
    assert api.stage is State.PUBLISHED
    assert api.deployed_revision
    assert api.deployed_revision.snapshot["mock"]["on_connect"] == CHAT["on_connect"]


@pytest.mark.django_db
def test_a_mock_that_is_switched_off_is_no_backend(admin: User) -> None:
    with pytest.raises(operations.NotReadyToPublish):
        make_api(admin, endpoint="", mock={**CHAT, "is_on": False}, publish=True)


@pytest.mark.django_db
def test_a_revision_from_before_mocks_differs_in_nothing_and_restores_to_none(admin: User) -> None:
    api = make_api(admin, publish=True)
    revision = api.deployed_revision
    assert revision
    del revision.snapshot["mock"]
    revision.save()
    assert snapshots.differences(Api.objects.get(pk=api.pk)) == []
    api = operations.update_api(api=api, changes={"mock": CHAT}, actor=admin, now=NOW)
    assert snapshots.differences(api) == ["mock backend"]
    assert operations.restore_revision(api=api, revision=revision, actor=admin, now=LATER).mock == {}


@pytest.mark.django_db
def test_the_endpoint_page_saves_a_mock_and_keeps_what_was_typed_wrong(client: Client, alice: User) -> None:
    api = make_api(alice, endpoint="")
    client.force_login(alice)
    page = reverse("publisher:endpoint", args=[api.pk])
    drawn = as_posted(client.get(page).context["form"].initial)
    typed = {"mock_is_on": "on", "mock_replies": "ping=>pong\r\n\r\nhello => hi", "mock_script": "sing"}
    refused = client.post(page, {**drawn, **typed})
    assert refused.status_code == 400
    assert "send MESSAGE" in refused.context["form"].errors["mock_script"][0]
    assert "sing" in refused.content.decode()
    assert client.post(page, {**drawn, **typed, "mock_script": "pause 1\nsend x\nrepeat"}).status_code == 302
    api.refresh_from_db()
    assert api.mock == {
        **OFF,
        **{"is_on": True, "replies": ["ping => pong", "hello => hi"], "script": ["pause 1", "send x", "repeat"]},
    }


@pytest.mark.django_db
def test_saving_the_endpoint_page_leaves_no_mock_where_none_was(client: Client, alice: User) -> None:
    api = make_api(alice)
    client.force_login(alice)
    page = reverse("publisher:endpoint", args=[api.pk])
    drawn = as_posted(client.get(page).context["form"].initial)
    client.post(page, {**drawn, "retries": "2"})
    api.refresh_from_db()
    assert (api.mock, api.endpoint_options["retries"]) == ({}, 2)


@pytest.mark.django_db
def test_rest_takes_and_shows_a_mock(client: Client, alice: User) -> None:
    client.force_login(alice)
    path = "/api/am/publisher/v4/apis"
    body = {"name": "Mocked", "context": "/mocked", "version": "1", "endpointImplementationType": "INLINE"}

    def send(method: str, path: str, body: dict[str, Any]) -> Any:
        return client.generic(method, path, json.dumps(body), "application/json")

    wrong = send("POST", path, {**body, "mock": {"script": ["sing"]}})
    assert wrong.status_code == 400
    assert "mock.script" in wrong.content.decode()
    made = send("POST", path, {**body, "mock": {"replies": ["ping=>pong"], "every": 5, "in_turn": ["tick"]}})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert shown["endpointImplementationType"] == "INLINE"
    assert shown["mock"]["replies"] == ["ping => pong"]
    same = send("PUT", f"{path}/{shown['id']}", shown)
    assert same.status_code == 200, same.content
    assert same.json()["mock"] == shown["mock"]
    off = send("PUT", f"{path}/{shown['id']}", {**body, "endpointImplementationType": "ENDPOINT"})
    assert (off.json()["endpointImplementationType"], off.json()["mock"]) == ("ENDPOINT", shown["mock"])
