"""The commands of the page of keys work as they stand."""

from __future__ import annotations

import shlex
from urllib.parse import parse_qs, urlsplit

from django.test import Client

from accounts.models import User
from devportal.grant_commands import commands
from devportal.grants import GRANT_NAMES
from tests.devportal import builders

CALLBACK = "https://app.example.com/callback"


def test_keys_have_a_command_for_each_of_their_grants() -> None:
    made = commands(grants=GRANT_NAMES, portal="https://p.test", client_id="abc", callback=CALLBACK)
    assert [each.title for each in made] == ["Client credentials", "Authorization code", "Refresh token"]
    only = commands(grants=["client_credentials"], portal="https://p.test", client_id="abc", callback="")
    assert [each.id for each in only] == ["curl-client_credentials"]


def test_the_first_command_gets_a_token(carol: User) -> None:
    keys = builders.keys(builders.application(carol))
    command, *_ = commands(grants=GRANT_NAMES, portal="", client_id=keys.client.client_id, callback=CALLBACK)
    words = shlex.split(command.text.replace("$SECRET", keys.secret))
    client_id, _, secret = words[words.index("-u") + 1].partition(":")
    fields = dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "-d")
    answer = Client().post(words[1], {**fields, "client_id": client_id, "client_secret": secret}, secure=True)
    assert answer.status_code == 200


def test_the_browser_is_sent_with_everything_that_the_endpoint_wants() -> None:
    _, code, _ = commands(grants=GRANT_NAMES, portal="https://p.test", client_id="abc", callback=CALLBACK)
    address = next(line for line in code.text.splitlines() if line.startswith("echo")).split('"')[1]
    asked = parse_qs(urlsplit(address).query)
    assert {name: values[0] for name, values in asked.items()} == {
        "response_type": "code",
        "client_id": "abc",
        "redirect_uri": CALLBACK,
        "scope": "default",
        "state": "xyz",
        "code_challenge_method": "S256",
        "code_challenge": "$CHALLENGE",
    }
