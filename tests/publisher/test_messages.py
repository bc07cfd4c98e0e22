"""What the Publisher says: consequences in figures, and the audit log in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from publisher import diagram, messages, progress
from publisher.lifecycle import TRANSITIONS, Action, State
from publisher.messages import Impact
from publisher.versions import shorter

BUSY = Impact(live_connections=128, applications=9, live_applications=4)
ONE = Impact(live_connections=1, applications=1, live_applications=1)
IDLE = Impact(live_connections=0, applications=0)
UNCOUNTED = Impact(live_connections=None, applications=0)


@pytest.mark.parametrize(
    ("action", "state", "impact", "sentence"),
    [
        (
            Action.BLOCK,
            State.PUBLISHED,
            BUSY,
            "Refuses calls with 503; closes 128 live connections of 4 applications (code 4006).",
        ),
        (
            Action.BLOCK,
            State.PUBLISHED,
            ONE,
            "Refuses calls with 503; closes 1 live connection of 1 application (code 4006).",
        ),
        (Action.BLOCK, State.PUBLISHED, IDLE, "Refuses calls with 503; no connection is open now."),
        (
            Action.BLOCK,
            State.PUBLISHED,
            UNCOUNTED,
            "Refuses calls with 503; closes its live connections (code 4006).",
        ),
        (
            Action.DEPRECATE,
            State.PUBLISHED,
            BUSY,
            "Hides it from new subscribers; the 9 applications subscribed keep working. "
            "There is no way back: only Retire follows.",
        ),
        (
            Action.DEPRECATE,
            State.PUBLISHED,
            ONE,
            "Hides it from new subscribers; the 1 application subscribed keeps working. "
            "There is no way back: only Retire follows.",
        ),
        (
            Action.DEPRECATE,
            State.BLOCKED,
            IDLE,
            "Calls pass again. Hides it from new subscribers; nobody is subscribed now. "
            "There is no way back: only Retire follows.",
        ),
        (
            Action.RETIRE,
            State.DEPRECATED,
            IDLE,
            "Takes it off the gateway for good; no connection is open now. There is no way back.",
        ),
        (Action.PROTOTYPE, State.PUBLISHED, BUSY, "Stays callable, marked Pre-Released in the portal."),
        (
            Action.PUBLISH,
            State.CREATED,
            IDLE,
            "Shows it in the Developer Portal, where developers subscribe under Gold, Silver or Bronze.",
        ),
    ],
)
def test_a_consequence_is_said_in_figures(action: Action, state: State, impact: Impact, sentence: str) -> None:
    assert messages.consequence(action, state, impact, ["Gold", "Silver", "Bronze"]) == sentence


@pytest.mark.parametrize(("state", "action"), list(TRANSITIONS))
def test_every_step_has_a_consequence_and_a_word_for_the_audit_log(state: State, action: Action) -> None:
    assert messages.consequence(action, state, BUSY, []).endswith(".")
    assert messages.happened("api.transitioned", {"action": action.value})


@pytest.mark.parametrize(
    ("verb", "detail", "sentence"),
    [
        ("api.created", {}, "Created"),
        ("api.created", {"copied_from": "1.0.0"}, "Created from version 1.0.0"),
        ("api.updated", {"fields": ["endpoint_options", "tags"]}, "Endpoint configuration and tags changed"),
        (
            "api.updated",
            {"fields": ["business_owner", "tags", "source_link", "properties", "topics"]},
            "Business owner, tags, source link and 2 more changed",
        ),
        ("api.updated", {"fields": []}, "Saved without a change"),
        ("api.updated", {"fields": ["plans"], "plans": ["Gold", "Silver"]}, "Plans set to Gold, Silver"),
        ("api.updated", {"fields": ["production"], "restored_revision": 2}, "Revision 2 restored as the design"),
        ("api.deployed", {"revision": 3}, "Revision 3 deployed"),
        ("api.undeployed", {"revision": 3}, "Taken off the gateway"),
        ("api.something_new", {}, "Something new"),
    ],
)
def test_the_audit_log_is_told_in_sentences(verb: str, detail: dict[str, Any], sentence: str) -> None:
    assert messages.happened(verb, detail) == sentence


def test_deleting_says_what_is_lost() -> None:
    assert messages.deleting(BUSY, 3, State.PUBLISHED) == [
        "3 revisions and the design are gone.",
        "9 applications lose their subscriptions.",
        "The gateway stops serving it; closes 128 live connections of 4 applications (code 4010).",
    ]
    assert messages.deleting(ONE, 1, State.PUBLISHED)[1] == "1 application loses its subscription."
    assert messages.deleting(IDLE, 0, State.CREATED) == [
        "The design is gone. Nobody is subscribed, and the gateway does not serve it."
    ]


def all_steps(**given: Any) -> list[progress.ProgressStep]:
    nothing: dict[str, Any] = {
        "topics": 0,
        "endpoint": "",
        "plans": [],
        "deployed": None,
        "differences": [],
        "state": State.CREATED,
    }
    return progress.steps(**{**nothing, **given})


def steps(**given: Any) -> list[tuple[str, str]]:
    return [(step.state, step.note) for step in all_steps(**given)]


def current(**given: Any) -> tuple[str, str]:
    return next((step.next_page, step.next_link) for step in all_steps(**given) if step.state == "current")


def test_an_api_that_is_ready_is_sent_to_its_lifecycle_by_the_label_that_people_look_for() -> None:
    ready = {"endpoint": "h:1", "plans": ["Gold"]}
    assert current(**ready) == ("lifecycle", "LIFECYCLE")
    assert current(**ready, deployed=1) == ("lifecycle", "LIFECYCLE")
    assert current(**ready, state=State.PUBLISHED) == ("deployments", "Deploy")
    assert current(endpoint="h:1") == ("plans", "Plans")


def test_the_first_step_that_is_open_is_the_current_one() -> None:
    assert steps() == [
        ("done", "every topic"),
        ("current", "not given yet"),
        ("todo", "none chosen yet"),
        ("todo", "not deployed"),
        ("todo", "not published yet"),
    ]
    assert [state for state, _ in steps(plans=["Gold"])] == ["done", "current", "done", "todo", "todo"]


def test_a_published_api_has_every_step_done_and_says_when_the_design_has_changed() -> None:
    told = steps(
        topics=4,
        endpoint="h:1",
        plans=["Gold"],
        deployed=3,
        differences=["topics"],
        state=State.PUBLISHED,
    )
    assert told == [
        ("done", "4 topics"),
        ("done", "h:1"),
        ("done", "Gold"),
        ("done", "Revision 3, design has changed"),
        ("done", "Published"),
    ]


@pytest.mark.parametrize("state", list(State))
def test_the_drawing_shows_every_state_and_every_step_and_marks_those_possible(state: State) -> None:
    drawn = diagram.of(state)
    assert [node.label for node in drawn.nodes if node.is_current] == [state.label]
    assert len(drawn.nodes) == len(State)
    assert len(drawn.edges) == len(TRANSITIONS)
    possible = [edge for edge in drawn.edges if edge.is_allowed]
    assert len(possible) == len([source for source, _ in TRANSITIONS if source is state])
    assert state.label in drawn.sentence


@pytest.mark.parametrize(
    ("version", "others", "expected"),
    [
        ("1.0.0", [], "1.0"),
        ("1.0.0", ["1.0"], ""),
        ("1.0.0", ["1.0.1"], ""),
        ("1.0.1", ["1.0.0"], "1.0"),
        ("1.0.0", ["2.0.0"], "1.0"),
        ("1", [], ""),
    ],
)
def test_a_shorter_version_is_named_only_if_it_leads_here(version: str, others: list[str], expected: str) -> None:
    assert shorter(version, others) == expected
