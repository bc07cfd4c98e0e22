"""The second language is whole: every page can be said in it, and every catalogue says all of what it has."""

from __future__ import annotations

import gettext
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages import Message
from django.test import Client
from django.utils import timezone

from accounts import installation, languages
from accounts.access import FRESH
from accounts.models import User
from devportal.bootstrap import ensure_application_plans
from publisher.bootstrap import ensure_default_plans
from scripts import messages
from tests import product_actions
from tests.journeys.test_every_page import VISITS
from tests.test_queries_of_pages import PEOPLE
from tests.untranslated import bracketed, untranslated, words_of_people


@pytest.mark.django_db
def test_every_page_that_developers_read_can_be_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_default_plans()
    ensure_application_plans()
    for name, roles in PEOPLE.items():
        if not User.objects.filter(username=name).exists():
            product_actions.person(name, list(roles))
    world = product_actions.furnish("ws://localhost:9900/echo")
    known = words_of_people()
    missing: dict[str, list[str]] = defaultdict(list)
    browser = Client(headers={"Accept-Language": "de"})
    with bracketed(monkeypatch):
        for visit in VISITS:
            address = visit.address(world)
            if not languages.is_translated(address):
                continue
            browser.cookies.clear()
            if visit.who != "nobody":
                browser.force_login(User.objects.get(username=visit.who))
                session = browser.session
                session[FRESH] = timezone.now().timestamp()  # pages of what is worth a password open at once
                session.save()
            installation.forget()
            answer = browser.get(address, secure=True)
            assert answer.status_code == visit.status
            for text in untranslated(answer.content.decode(), known):
                missing[text].append(str(visit))
    told = [f"{text}    <- {pages[0]}, {len(pages)} pages" for text, pages in missing.items()]
    if "UNTRANSLATED" in os.environ:  # a file for the list, while somebody works on it
        Path(os.environ["UNTRANSLATED"]).write_text("\n".join(told))
    assert not told, "\n".join(told)


CATALOGUES = [pytest.param(*found, id=str(found[3].relative_to(messages.ROOT))) for found in messages.catalogues()]
VALUES = re.compile(r"%\(\w+\)[sd]|%%|%s|\{\w*\}|</?(?:a|b|bdi|code|em|kbd|span|strong)\b[^>]*>")


@pytest.mark.parametrize(("room", "domain", "language", "path"), CATALOGUES)
def test_a_catalogue_is_whole(room: str, domain: str, language: str, path: Path) -> None:
    catalogue = messages.read(path)
    assert not messages.others(path), "`make messages` merges what lies beside a catalogue"
    missing = [str(each.id) for each in catalogue if each.id and not all(forms(each.string))]
    doubtful = [str(each.id) for each in catalogue if each.id and each.fuzzy]
    assert not missing + doubtful, "\n".join(["Translate these:", *missing, *doubtful])
    other = [each.string for each in catalogue if each.id and not has_the_same_values(each)]
    assert not other, "\n".join(
        ["These hold other values, or other markup, than what they translate:", *map(str, other)]
    )


@pytest.mark.parametrize(("room", "domain", "language", "path"), CATALOGUES)
def test_a_catalogue_says_what_is_in_the_source_and_is_compiled(
    room: str, domain: str, language: str, path: Path
) -> None:
    catalogue = messages.updated(path, messages.extracted(room, domain), language, room)
    assert messages.po(catalogue) == path.read_text(), "Run `make messages`, and translate what is new."
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for each in catalogue:
        if each.id and isinstance(each.id, str):
            said = compiled.pgettext(each.context, each.id) if each.context else compiled.gettext(each.id)
            assert said == each.string, "Run `make messages`."


def test_what_rooms_say_alike_is_translated_alike() -> None:
    known: dict[object, set[str]] = defaultdict(set)
    for _room, domain, language, path in messages.catalogues():
        for each in messages.read(path):
            if each.id and domain == "django":
                known[language, each.context, str(each.id)].add(str(each.string))
    assert [(key, sorted(said)) for key, said in known.items() if len(said) > 1] == []


def forms(said: str | tuple[str, ...]) -> tuple[str, ...]:
    """A sentence's forms: one, or those for one and for many."""
    return (said,) if isinstance(said, str) else said


def has_the_same_values(message: Message) -> bool:
    """Whether every form of a translation holds the values and the markup that some form of its sentence holds."""
    wanted = [sorted(VALUES.findall(form)) for form in forms(message.id)]
    return all(sorted(VALUES.findall(form)) in wanted for form in forms(message.string))
