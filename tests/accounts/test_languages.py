"""Where the product speaks the reader's language, and where English."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from accounts import languages

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/devportal/apis/", "/devportal/sign-in", "/oauth2/authorize", "/nowhere", "/"])
def test_what_developers_read_speaks_their_language(path: str) -> None:
    assert languages.is_translated(path)


@pytest.mark.parametrize(
    "path",
    [
        "/publisher/apis/",
        "/publisher/sign-in",
        "/admin/users",
        "/api/am/devportal/v3/apis",
        "/oauth2/token",
        "/.well-known/openid-configuration",
        "/client-registration/v0.17/register",
    ],
)
def test_publishers_administrators_and_programs_read_english(path: str) -> None:
    assert not languages.is_translated(path)


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,en-US;q=0.8,de;q=0.7", "en-GB"),
        ("fr", "en-GB"),
        ("", "en-GB"),
        ("*;q=, ,;;\x00de-" + "x" * 2000, "en-GB"),
    ],
)
def test_a_page_says_which_of_the_browsers_languages_it_speaks(accepted: str, spoken: str) -> None:
    answer = Client().get("/devportal/sign-in", headers={"Accept-Language": accepted})
    assert f'<html lang="{spoken}"' in answer.content.decode()
    assert "Accept-Language" in answer["Vary"]
    assert translation.get_language() == "en-gb"  # what comes next in this thread is not in the last reader's


def test_the_publishers_sign_in_is_english_in_any_browser() -> None:
    answer = Client().get("/publisher/sign-in", headers={"Accept-Language": "de"})
    assert '<html lang="en-GB"' in answer.content.decode()
    assert "Accept-Language" not in answer.get("Vary", "")


@pytest.mark.parametrize("path", ["/devportal/nowhere", "/nowhere"])
def test_a_page_that_is_not_there_speaks_the_readers_language(path: str) -> None:
    answer = Client().get(path, headers={"Accept-Language": "de"})
    assert answer.status_code == 404
    assert '<html lang="de"' in answer.content.decode()
