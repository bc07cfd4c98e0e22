"""What developers who read German are told: by forms, by dialogs, and by the scripts of the browser."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from accounts.templatetags.interface import ago, ending
from devportal import diagnosis, documented_codes
from devportal.attempts import RefusedAttempt
from scripts import messages
from tests.environment import find_node

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.parametrize(
    ("connections", "said"),
    [
        (0, "Zurzeit ist keine Verbindung offen."),
        (1, "1 offene Verbindung wird geschlossen."),
        (2, "2 offene Verbindungen werden geschlossen."),
    ],
)
def test_what_a_revocation_ends_is_said_in_german(connections: int, said: str) -> None:
    with translation.override("de"):
        assert ending(connections) == said


def test_a_refused_form_says_why_in_german_and_keeps_what_was_typed(carol: User) -> None:
    carol.language = "de"
    carol.save()
    tab = Client()
    tab.force_login(carol)
    typed = {"name": " ", "description": "Meldet den Stand", "plan": "Unlimited", "token_type": "OAUTH"}
    page = tab.post("/devportal/applications/create", typed, secure=True).content.decode()
    assert "Geben Sie der Anwendung einen Namen, damit Sie sie wiederfinden." in page
    assert "Meldet den Stand" in page


def test_the_gateways_english_is_explained_in_german() -> None:
    refused = RefusedAttempt(401, 900902, "Unauthorized", "Send a token.")
    with translation.override("en-gb"):
        assert diagnosis.of_refusal(refused) == ["The gateway answered 401. Send a token."]
    with translation.override("de"):
        said = diagnosis.of_refusal(refused)
    known = next(each for each in documented_codes.REFUSALS if each.code == refused.code)
    assert len(said) == 3
    assert not {f"{known.cause}.", known.way_out} & set(said)


def test_the_scripts_of_a_page_speak_german_and_tell_the_time_as_the_server_does() -> None:
    past = [1, 61, 2 * MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY, 8 * DAY, 40 * DAY, 800 * DAY]
    seconds = [*past, *(-each for each in past)]
    script = Path(__file__).with_name("german.mjs")
    command = [find_node(), script, json.dumps(seconds)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    now = timezone.now()
    with translation.override("de"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: now)
        assert json.loads(ran.stdout) == [ago(now - timedelta(seconds=each)) for each in seconds]


def test_the_scripts_have_the_catalogue_as_it_was_written() -> None:
    languages = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    for _, _, language, path in (each for each in messages.catalogues() if each[1] == "djangojs"):
        assert messages.script_path(language).read_text() == messages.script(messages.read(path), language)
        languages.remove(language)
    assert not languages
