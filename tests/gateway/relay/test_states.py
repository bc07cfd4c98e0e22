"""The states of a side: which may follow which."""

from gateway.relay.states import NEXT, LegState


def test_a_side_that_is_closing_only_goes_forward() -> None:
    for state in LegState:
        if state >= LegState.FINISHING:
            assert all(following > state for following in NEXT[state])


def test_a_side_can_be_lost_from_every_state_but_the_last() -> None:
    assert [LegState.GONE in following for following in NEXT] == [True] * 6 + [False]


def test_only_the_fast_way_is_falsy() -> None:
    assert [state for state in LegState if not state] == [LegState.FLOWING]


def test_a_side_goes_back_and_forth_between_the_fast_way_and_the_slow_one() -> None:
    assert LegState.HOLDING in NEXT[LegState.FLOWING]
    assert LegState.FLOWING in NEXT[LegState.HOLDING]
