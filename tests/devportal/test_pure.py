"""The pure cores: tables, words, commands."""

from __future__ import annotations

import pytest

from devportal import composing, grants, snippets, subscription_states
from devportal.addresses import short_version
from devportal.programs import PROGRAMS, program
from devportal.subscription_states import SubscriptionState

WS, WSS = "ws://localhost:9099", "wss://localhost:8099"
ECHO = (f"{WS}/echowebsocket/1.0", f"{WSS}/echowebsocket/1.0")


def commands() -> dict[str, str]:
    return {way.title: way.text for way in snippets.all_ways(*ECHO, "TOKEN")}


def test_the_commands_are_the_tutorials_word_for_word() -> None:
    assert [way.text for way in snippets.all_ways(*ECHO, "TOKEN")][:4] == [
        f'wscat -c {WS}/echowebsocket/1.0 -H "Authorization: Bearer TOKEN"',
        f'wscat -n -c {WSS}/echowebsocket/1.0 -H "Authorization: Bearer TOKEN"',
        f'wscat -c "{WS}/echowebsocket/1.0?access_token=TOKEN"',
        f'wscat -n -c "{WSS}/echowebsocket/1.0?access_token=TOKEN"',
    ]


def test_an_api_that_takes_no_token_in_its_address_is_shown_without_that_way() -> None:
    ways = snippets.all_ways(*ECHO, "TOKEN", in_url=False)
    assert [way.title for way in ways] == ["WS", "WSS", "Browser", "Node", "Python"]
    assert not any("access_token" in way.text for way in ways)


def test_every_way_to_connect_names_the_address_and_the_token_once() -> None:
    for text in commands().values():
        assert text.count("TOKEN") == 1, text
        assert text.count("/echowebsocket/1.0") == 1, text


def test_the_python_snippet_is_python() -> None:
    compile(commands()["Python"], "snippet", "exec")


def test_colouring_loses_nothing_and_marks_the_credential() -> None:
    for way in snippets.all_ways(*ECHO, "TOKEN"):
        parts = list(way.parts())
        assert "".join(text for _, text in parts) == way.text
        assert ("credential", "TOKEN") in parts


@pytest.mark.parametrize(
    ("version", "others", "short"),
    [
        ("1.0.0", [], "1.0"),
        ("1.0.0", ["0.9.0", "1.1.0", "10.0.0"], "1.0"),
        ("1.0.0", ["1.0.1"], "1.0.0"),
        ("1.0.1", ["1.0.0"], "1.0"),
        ("1.0.9", ["1.0.10"], "1.0.9"),
        ("1.0.0", ["1.0"], "1.0.0"),
        ("1.0", [], "1.0"),
        ("v1", [], "v1"),
    ],
)
def test_the_short_version_is_used_where_it_leads_to_the_same(version: str, others: list[str], short: str) -> None:
    assert short_version(version, others) == short


def test_the_table_of_states_covers_every_state_and_leads_nowhere_else() -> None:
    states = set(SubscriptionState)
    assert set(subscription_states.MAY_BECOME) == states
    assert {after for targets in subscription_states.MAY_BECOME.values() for after in targets} <= states
    assert all(state not in targets for state, targets in subscription_states.MAY_BECOME.items())


def test_nothing_but_the_publishers_decision_lifts_a_block() -> None:
    for state in subscription_states.BLOCKING:
        for needs_approval in (True, False):
            assert subscription_states.state_under_new_plan(state, needs_approval) == state


def test_every_grant_can_be_chosen_somehow() -> None:
    everything = list(grants.GRANT_NAMES)
    assert grants.problem_with_grants(everything) is None
    assert grants.problem_with_callback(everything, "https://example.test/cb") is None


@pytest.mark.parametrize("url", ["https://*/cb", "https://*.example.test/cb", "https://me:secret@example.test/cb"])
def test_a_callback_names_one_host_and_carries_no_password(url: str) -> None:
    assert "names one host" in (grants.problem_with_callback([grants.AUTHORIZATION_CODE], url) or "")


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_program_holds_a_secret_and_each_stops_where_coming_back_is_vain(name: str) -> None:
    text = program(
        name,
        wss="wss://gateway.test/chat/1.0",
        gateway="wss://gateway.test",
        portal="https://portal.test",
        message='{"a": "ü\u2028"}',
    )
    assert "wss://gateway.test/chat/1.0" in text
    assert "CLIENT_SECRET" in text or name == "browser"
    assert "&quot;" not in text
    assert "\u2028" not in text
    assert "4002" in text or name in ("wscat", "websocat")


@pytest.mark.parametrize(
    ("targets", "path"),
    [
        ([], ""),
        (["/rooms/{id}", "/*"], ""),
        (["/rooms/{id}", "/lobby"], "/lobby"),
        (["/rooms/{id}/{seat}"], "/rooms/1/1"),
        (["/news/*"], "/news/"),
    ],
)
def test_a_first_connection_goes_where_the_gateway_lets_one_in(targets: list[str], path: str) -> None:
    assert composing.way_in([{"target": each} for each in targets]) == path
