"""What developers find, in German: searches that are refused, forms that are wrong, and numbers of things."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import User
from devportal import plan_table
from devportal.bootstrap import ensure_application_plans
from devportal.models import Subscription
from publisher.models import Plan
from tests.devportal import builders
from tests.devportal.conftest import Browser

GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de"}


@pytest.mark.django_db
def test_a_search_that_is_refused_keeps_what_was_typed(bob: User) -> None:
    builders.api(bob, "Wetter")
    typed = "eins zwei drei vier fünf sechs sieben acht neun zehn elf"

    answer = Client().get("/devportal/apis", {"q": typed}, **GERMAN)

    page = answer.content.decode()
    assert answer.status_code == 400
    assert f'value="{typed}"' in page
    assert "Eine API finden, mit einer Anwendung abonnieren und verbinden." in page
    assert "Wetter" in page  # the list is shown without the search


@pytest.mark.django_db
def test_the_wizard_keeps_what_was_typed_where_something_is_wrong(bob: User, carol: User, browser: Browser) -> None:
    ensure_application_plans()
    api, tab = builders.api(bob), browser(carol)
    wrong = {"which": "new", "name": "", "plan": "Unlimited", "description": "Für den Schalter", "token_type": "JWT"}

    answer = tab.post(f"/devportal/apis/{api.pk}/wizard", wrong, **GERMAN)

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Für den Schalter" in page
    assert "Welche Anwendung soll sich verbinden?" in page
    assert "Schritt 1 von 5" in page


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "words"), [(0, "0 APIs"), (1, "1 API"), (2, "2 APIs")])
def test_how_many_were_found_agrees_with_the_number(number: int, words: str, bob: User) -> None:
    for name in ("Wetter", "Wetterwarte")[:number]:
        builders.api(bob, name)

    page = Client().get("/devportal/apis", {"q": "wetter"}, **GERMAN).content.decode()

    assert f"{words} zu „<bdi>wetter</bdi>“" in " ".join(page.split())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"quota": 0, "connections": 0}, "0 Nachrichten je Tag · 0 Verbindungen"),
        ({"quota": 1, "quota_period": "hour", "connects": 1}, "1 Nachricht je Stunde · 1 neue Verbindung je Minute"),
        (
            {"quota": 2, "quota_period": "month", "over_quota": "pass"},
            "2 Nachrichten je Monat, mehr geht trotzdem durch",
        ),
        ({}, "unbegrenzt"),
    ],
)
def test_a_plans_limits_in_words(fields: dict[str, object], words: str) -> None:
    with translation.override("de"):
        assert Plan(**fields).summary == words


def test_plans_side_by_side_leave_out_what_none_of_them_limits() -> None:
    with translation.override("de"):
        rows = dict(plan_table.side_by_side([Plan(name="Gold", rate=100, applications=1), Plan(name="Silver")]))
    assert rows["Höchstens je Sekunde"] == ["100", "unbegrenzt"]
    assert rows["Ihre Anwendungen"] == ["1 Anwendung", "10 Anwendungen"]
    assert "Größte Nachricht" not in rows


@pytest.mark.django_db
def test_what_is_kept_and_what_programs_read_stays_english(bob: User, carol: User) -> None:
    api, application = builders.api(bob), builders.application(carol)
    with translation.override("de"):
        row = builders.subscription(application, api, state="ON_HOLD")
        assert row.get_state_display() == "Wartet auf Freigabe"
    assert Subscription.objects.get(pk=row.pk).state == "ON_HOLD"
    assert row.get_state_display() == "Waiting for approval"
