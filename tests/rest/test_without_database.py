"""While the database is away everybody is told so, in the words of what was asked, and the log has one line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from core import outage
from core.outage import Outage

SENTENCE = "The database does not answer at this moment. Try again in a few seconds."


@pytest.fixture(params=[OperationalError, InterfaceError])
def away(db: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that is asked is answered."""

    def fail(*_: object) -> None:
        raise request.param("server closed the connection unexpectedly\n\tThis probably means trouble.")

    monkeypatch.setattr(outage, "database", Outage())
    with connection.execute_wrapper(fail):
        yield


@pytest.mark.usefixtures("away")
def test_programs_and_people_are_told_when_to_come_back_and_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(raise_request_exception=False)
    rest = client.get("/api/am/publisher/v4/apis", headers={"Authorization": "Bearer token"})
    assert (rest.status_code, rest.headers["Retry-After"]) == (503, "5")
    assert (json.loads(rest.content)["code"], json.loads(rest.content)["description"]) == (900503, SENTENCE)
    client.cookies["__Host-apim-session"] = "x" * 32
    page = client.get("/publisher/apis", secure=True)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert b"The database does not answer" in page.content
    oauth = client.post("/oauth2/token", {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"})
    assert (oauth.status_code, oauth.headers["Retry-After"]) == (503, "5")
    assert json.loads(oauth.content) == {"error": "temporarily_unavailable", "error_description": SENTENCE}
    lines = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert lines == [
        "The database cannot be used: server closed the connection unexpectedly This probably means trouble."
    ]
