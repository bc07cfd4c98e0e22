"""The table of the lifecycle: every state with every action."""

import itertools

import pytest

from publisher.lifecycle import (
    DEPLOYING,
    SERVED,
    TRANSITIONS,
    UNDEPLOYING,
    Action,
    State,
    TransitionRefused,
    allowed_actions,
    next_state,
)

EXPECTED = {
    ("CREATED", "Publish"): "PUBLISHED",
    ("CREATED", "Deploy as a Prototype"): "PROTOTYPED",
    ("PROTOTYPED", "Publish"): "PUBLISHED",
    ("PROTOTYPED", "Demote to Created"): "CREATED",
    ("PUBLISHED", "Block"): "BLOCKED",
    ("PUBLISHED", "Deploy as a Prototype"): "PROTOTYPED",
    ("PUBLISHED", "Demote to Created"): "CREATED",
    ("PUBLISHED", "Deprecate"): "DEPRECATED",
    ("BLOCKED", "Re-Publish"): "PUBLISHED",
    ("BLOCKED", "Deprecate"): "DEPRECATED",
    ("DEPRECATED", "Retire"): "RETIRED",
}


@pytest.mark.parametrize(("state", "action"), list(itertools.product(State, Action)))
def test_every_action_in_every_state_leads_where_the_table_says_or_is_refused(state: State, action: Action) -> None:
    expected = EXPECTED.get((state.value, action.value))
    if expected is None:
        assert action not in allowed_actions(state)
        with pytest.raises(TransitionRefused) as refusal:
            next_state(state, action)
        assert state.label in str(refusal.value)
        assert refusal.value.status == 409
    else:
        assert action in allowed_actions(state)
        assert next_state(state, action) is State(expected)


def test_a_refusal_says_what_is_possible_instead() -> None:
    assert "Possible now: Re-Publish, Deprecate." in str(TransitionRefused(State.BLOCKED, Action.RETIRE))
    assert "this state is final" in str(TransitionRefused(State.RETIRED, Action.PUBLISH))


def test_an_api_is_deployed_when_it_becomes_callable_and_taken_off_when_it_ends() -> None:
    for (source, action), target in TRANSITIONS.items():
        if action in UNDEPLOYING:
            assert target not in SERVED
        if source not in SERVED and target in SERVED:
            assert action in DEPLOYING


def test_only_the_prototype_has_a_label_of_its_own() -> None:
    assert [state.label for state in State] == [
        "Created",
        "Pre-Released",
        "Published",
        "Blocked",
        "Deprecated",
        "Retired",
    ]
