"""The filters and tags that templates of both portals use."""

import datetime as dt
from types import SimpleNamespace

import pytest
from django.core.paginator import Paginator
from django.template import Context
from django.test import RequestFactory
from django.utils import timezone
from django_cotton import render_component

from accounts.templatetags import interface
from publisher.lifecycle import State


@pytest.mark.parametrize(("name", "letters"), [
    ("EchoWebSocket", "EW"), ("Ada Lovelace", "AL"), ("bob", "BO"), ("HTTPServer", "HS"), ("x", "X"), ("", ""),
    ("Api2", "A2"), ("chat-client", "CC"),
])  # fmt: skip
def test_a_glyph_has_two_letters_of_the_name(name: str, letters: str) -> None:
    assert interface.initials(name) == letters


def test_a_name_has_one_hue_in_any_case() -> None:
    assert interface.hue("Carol") == interface.hue("carol") in range(interface.HUES)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (1204881, "1 204 881"), (-5367, "-5 367"), ("many", "many")]
)
def test_thousands_are_apart_by_a_thin_space_that_does_not_break(number: object, text: str) -> None:
    assert interface.spaced(number) == text.replace(" ", "\u202f")


@pytest.mark.parametrize(("seconds", "words"), [
    (5, "just now"), (-5, "just now"), (61, "1 minute ago"), (7300, "2 hours ago"), (90_000, "1 day ago"),
    (-3 * 86_400 - 60, "in 3 days"), (70 * 86_400, "2 months ago"), (800 * 86_400, "2 years ago"),
])  # fmt: skip
def test_times_are_said_in_their_largest_whole_unit(seconds: int, words: str) -> None:
    assert interface.ago(timezone.now() - dt.timedelta(seconds=seconds)) == words


def test_what_never_happened_is_said_to_be_so() -> None:
    assert interface.ago(None) == "never"


@pytest.mark.parametrize(("seconds", "how", "words"), [
    (61, "words", "in 1 minute"), (61, "sentence", "expires in 1 minute"), (5, "words", "in less than a minute"),
    (5, "sentence", "expires in less than a minute"), (0, "words", "expired just now"),
    (-7300, "words", "expired 2 hours ago"), (-7300, "sentence", "expired 2 hours ago"),
])  # fmt: skip
def test_an_expiry_says_when_and_that_it_is_over(seconds: float, how: str, words: str) -> None:
    assert interface.expiry(timezone.now() + dt.timedelta(seconds=seconds + 0.5 * (seconds > 0)), how) == words


@pytest.mark.parametrize("text", ["", "short", "x" * 24, "x" * 25, "ws://gateway.example.com:9099/echo/1.0.0"])
def test_a_text_in_two_is_the_whole_text(text: str) -> None:
    start, end = interface.in_two(text)
    assert start + end == text
    assert not start or len(end) == interface.SHOWN_END


def test_only_a_name_from_right_to_left_is_fenced_off() -> None:
    assert interface.isolated("Åsa 聊天") == "Åsa 聊天"
    assert interface.isolated("متجر") == "\N{FIRST STRONG ISOLATE}متجر\N{POP DIRECTIONAL ISOLATE}"


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_badge_and_the_word_of_the_lifecycle(state: State) -> None:
    badge = {"kind": interface.STATE_KINDS[state.value], "label": state.label}
    assert interface.state_badge(state) == interface.state_badge(state.value) == badge


@pytest.mark.parametrize(
    ("part", "whole", "percent"), [(4998, 5000, 99), (0, 10, 0), (20, 10, 100), (1, 0, 0), ("2", "10", 20)]
)
def test_a_meter_is_full_only_when_nothing_is_left(part: object, whole: object, percent: int) -> None:
    assert interface.share(part, whole) == percent


def context(query: str) -> Context:
    return Context({"request": RequestFactory().get(f"/publisher/apis{query}")})


@pytest.mark.parametrize(("query", "direction", "link"), [
    ("?q=a&page=3", "", "?q=a&sort=name"),
    ("?sort=name&q=a", "ascending", "?sort=-name&q=a"),
    ("?sort=-name", "descending", "?sort=name"),
    ("?sort=other", "", "?sort=name"),
])  # fmt: skip
def test_a_column_turns_its_direction_and_keeps_the_filter(query: str, direction: str, link: str) -> None:
    assert interface.sorting(context(query), "name") == {"direction": direction, "link": link}


def test_another_page_of_a_list_keeps_filter_and_sort() -> None:
    request = RequestFactory().get("/?q=a&sort=name&page=1")
    shown = render_component(request, "pagination", page=Paginator(range(3), 1).page(1))
    assert 'rel="next" href="?q=a&amp;sort=name&amp;page=2"' in shown


@pytest.mark.parametrize(("page", "numbers"), [
    (1, [1, 2, None, 61]), (4, [1, None, 3, 4, 5, None, 61]), (61, [1, None, 60, 61]), (2, [1, 2, 3, None, 61]),
])  # fmt: skip
def test_pages_around_this_one_and_both_ends_are_linked(page: int, numbers: list[int | None]) -> None:
    assert interface.page_numbers(Paginator(range(1204), 20).page(page)) == numbers


@pytest.mark.parametrize(("address", "exact", "value"), [
    ("/publisher/apis", "", "page"), ("/publisher", "", "true"), ("/publisher", "1", ""),
    ("/publisher/ap", "", ""), ("", "", ""),
])  # fmt: skip
def test_a_link_knows_whether_its_page_is_open(address: str, exact: str, value: str) -> None:
    assert interface.current(context(""), address, exact) == value


def test_a_page_without_a_request_has_no_current_link() -> None:
    assert interface.current(Context(), "/publisher/apis") == ""


def test_a_scheme_is_shown_in_capitals() -> None:
    assert interface.scheme("wss://localhost:8099/echo") == "WSS"


def test_a_slot_of_blanks_is_empty() -> None:
    assert not interface.filled(" \n ")
    assert interface.filled(SimpleNamespace())
