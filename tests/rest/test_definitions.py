"""Topics and AsyncAPI definitions over REST, with WSO2's paths and fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from publisher.models import Api
from tests.publisher.builders import make_api
from tests.publisher.test_asyncapi import FOREIGN_3, complaints
from tests.publisher.test_pages import browse
from tests.publisher.test_topics import PLAIN, ROOM, SAY

APIS = "/api/am/publisher/v4/apis"


@pytest.fixture
def api(alice: User) -> Api:
    return make_api(alice, topics=[PLAIN, ROOM])


@pytest.fixture
def client(alice: User) -> Client:
    return browse(alice)


def put(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.put(path, json.dumps(body), content_type="application/json", headers=headers)


def test_topics_come_back_as_they_were_sent(client: Client, api: Api) -> None:
    path = f"{APIS}/{api.pk}/topics"
    read = client.get(path)
    assert read.json()["count"] == 2
    room = read.json()["list"][1]
    assert (room["name"], room["mode"], room["scopes"]) == ("/rooms/{id}", "BOTH", ["rooms"])
    assert room["messages"]["publish"] == [SAY]
    assert put(client, path, read.json(), **{"If-Match": read["ETag"]}).status_code == 200
    assert Api.objects.get().topics == [PLAIN, ROOM]


def test_what_a_topic_leaves_out_stays(client: Client, api: Api) -> None:
    path = f"{APIS}/{api.pk}/topics"
    body = {"list": [{"name": "/rooms/{id}", "mode": "PUBLISH", "description": "New."}, {"name": "lobby"}]}
    assert put(client, path, body).status_code == 200
    assert Api.objects.get().topics == [
        {**ROOM, "verbs": ["publish"], "description": "New."},
        {"target": "/lobby", "verbs": ["subscribe", "publish"], "mapping": "", "scopes": []},
    ]


def test_topics_that_cannot_be_taken_are_refused_by_name(client: Client, api: Api) -> None:
    path = f"{APIS}/{api.pk}/topics"
    for body, said in (
        ({"list": [{"name": "/a/*/b"}]}, "whole last segment"),
        ({"list": [{"name": "/a", "mode": "SIDEWAYS"}]}, "SIDEWAYS"),
        ({"list": [{"name": "/a", "messages": {"publish": [{"name": "m", "schema": {"type": 5}}]}}]}, "JSON Schema"),
        ({"list": [{"name": "/a", "color": "red"}]}, "not supported"),
    ):
        response = put(client, path, body)
        assert response.status_code == 400
        assert said in response.content.decode()
    assert put(client, path, {"list": []}, **{"If-Match": '"old"'}).status_code == 412
    assert Api.objects.get().topics == [PLAIN, ROOM]


@pytest.mark.parametrize("version", ["3.0", "2.6"])
def test_the_definition_is_read_and_sent_back(client: Client, api: Api, version: str) -> None:
    path = f"{APIS}/{api.pk}/asyncapi"
    read = client.get(path, {"version": version})
    assert complaints(read.json(), version) == []
    sent = put(client, path, {"apiDefinition": json.dumps(read.json())}, **{"If-Match": read["ETag"]})
    assert sent.status_code == 200
    assert Api.objects.get().topics == [PLAIN, ROOM]
    assert put(client, path, {"apiDefinition": "x"}, **{"If-Match": '"old"'}).status_code == 412


def test_a_definition_replaces_topics_or_leaves_those_it_does_not_name(client: Client, api: Api) -> None:
    path, text = f"{APIS}/{api.pk}/asyncapi", yaml.safe_dump(FOREIGN_3)
    assert put(client, f"{path}?keepTopics=true", {"apiDefinition": text}).status_code == 200
    assert [each["target"] for each in Api.objects.get().topics] == ["/rooms/{id}", "/rooms"]
    assert put(client, path, {"apiDefinition": text}).json()["info"]["x-team"] == "rooms"
    assert [each["target"] for each in Api.objects.get().topics] == ["/rooms/{id}"]


def test_a_definition_with_problems_is_refused_with_their_lines(client: Client, api: Api) -> None:
    response = put(client, f"{APIS}/{api.pk}/asyncapi", {"apiDefinition": "asyncapi: 3.0.0\ninfo:\n  title: A"})
    assert response.status_code == 400
    assert "Line 2: info needs a version." in response.content.decode()
    assert put(client, f"{APIS}/{api.pk}/asyncapi", {}).status_code == 400


def test_an_api_is_imported_from_a_file(client: Client, db: None) -> None:
    file = SimpleUploadedFile("chat.yaml", yaml.safe_dump(FOREIGN_3).encode())
    properties = json.dumps(
        {"context": "/chat", "endpointConfig": {"production_endpoints": {"url": "ws://localhost:1"}}}
    )
    response = client.post(f"{APIS}/import-asyncapi", {"file": file, "additionalProperties": properties})
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["name"], body["version"], body["context"]) == ("Foreign chat", "7", "/chat")
    assert [each["target"] for each in body["operations"]] == ["/rooms/{id}", "/rooms/{id}"]
    assert Api.objects.get().definition["info"]["x-team"] == "rooms"


@pytest.mark.parametrize("properties", ["", "[]", "{", "5"])
def test_properties_that_are_no_api_are_refused(client: Client, db: None, properties: str) -> None:
    body = {"apiDefinition": yaml.safe_dump(FOREIGN_3), "additionalProperties": properties}
    assert client.post(f"{APIS}/import-asyncapi", body).status_code == 400


def test_a_definition_is_validated_without_being_taken(client: Client, db: None) -> None:
    path = f"{APIS}/validate-asyncapi"
    valid = client.post(f"{path}?returnContent=true", {"apiDefinition": yaml.safe_dump(FOREIGN_3)}).json()
    assert (valid["isValid"], valid["errors"]) == (True, [])
    assert valid["info"]["endpoints"] == ["wss://eu.example.com:8443/v1"]
    assert valid["info"]["asyncAPIVersion"] == "3.0.0"
    assert yaml.safe_load(valid["content"]) == FOREIGN_3
    wrong = client.post(path, {"apiDefinition": "asyncapi: 1.0.0"}).json()
    assert wrong["isValid"] is False
    assert wrong["errors"][0]["description"].startswith("Line 1: 1.0.0 is not among")
    assert client.post(path, {"url": "http://169.254.169.254/"}).status_code == 400
    assert not Api.objects.exists()
