"""The states of a quota, a rate and a lease client: which follow on which, and what each has to do with the store."""

from __future__ import annotations

import math
from itertools import product

import pytest

from gateway.quotas.client import TRANSITIONS as CLIENT_TRANSITIONS
from gateway.quotas.client import ClientEvent, ClientState
from gateway.quotas.lease import Lease
from gateway.quotas.meter import LimitExceeded, Renew
from gateway.quotas.quota import TRANSITIONS, Quota, QuotaEvent, QuotaState, QuotaTerms
from gateway.quotas.rate import TRANSITIONS as RATE_TRANSITIONS
from gateway.quotas.rate import RateReservation, RateTerms, ReservationEvent, ReservationState
from gateway.quotas.rules import LeaseAnswer, Reserved
from publisher.plan_terms import ExceededAction, QuotaPeriod, QuotaUnit
from tests.gateway.metering_world import EPOCH, ListCells


class World:
    """One quota of 100 messages, and a store that says what the test says."""

    def __init__(self) -> None:
        self.now = EPOCH
        self.retired: list[Lease] = []
        self.quota = Quota(
            QuotaTerms("q", 100, QuotaPeriod.MINUTE, ExceededAction.CLOSE, "subscription", QuotaUnit.MESSAGES),
            cells=ListCells(),
            notify=lambda source: None,
            retire=self.retired.append,
            now=EPOCH,
        )

    def answer(self, *, granted: int, free: int = 0, elsewhere: int = 0) -> None:
        request = self.quota.request(self.now, regular=False)
        assert request is not None
        self.quota.apply(request, LeaseAnswer(request.lease_id, granted, free, elsewhere), self.now)

    def reach(self, state: QuotaState) -> None:
        if state is QuotaState.SUPPLIED:
            return
        if state is QuotaState.ENDED:
            self.quota.end()
            return
        assert isinstance(self.quota.blocked(1, self.now), Renew)
        if state is QuotaState.CONTENDED:
            self.answer(granted=0, free=0, elsewhere=5)
        elif state is QuotaState.USED_UP:
            self.answer(granted=0)
        assert self.quota.state is state


def test_every_state_of_a_quota_is_reached_and_only_the_end_is_final() -> None:
    assert set(TRANSITIONS.values()) == set(QuotaState)
    assert {before for before, _ in TRANSITIONS} == set(QuotaState)
    assert {after for (before, _), after in TRANSITIONS.items() if before is QuotaState.ENDED} == {QuotaState.ENDED}
    assert {event for _, event in TRANSITIONS} == set(QuotaEvent)


def test_every_state_of_a_rate_is_reached_and_only_the_end_is_final() -> None:
    final = ReservationState.ENDED
    assert set(RATE_TRANSITIONS.values()) == set(ReservationState)
    assert {after for (before, _), after in RATE_TRANSITIONS.items() if before is final} == {final}
    assert {event for _, event in RATE_TRANSITIONS} == set(ReservationEvent)


@pytest.mark.parametrize("state", list(QuotaState))
def test_who_needs_what_a_quota_does_not_hold_has_it_asked_for_once(state: QuotaState) -> None:
    world = World()
    world.reach(state)
    blocked = world.quota.blocked(1, world.now)
    if state is QuotaState.USED_UP:
        assert isinstance(blocked, LimitExceeded)
        assert world.quota.state is QuotaState.USED_UP
        return
    assert isinstance(blocked, Renew)
    asks = world.quota.request(world.now, regular=False) is not None
    assert asks is (state in (QuotaState.SUPPLIED, QuotaState.SHORT))
    assert world.quota.request(world.now, regular=False) is None, "one question at a time"


def test_what_others_hold_is_asked_for_again_in_a_moment() -> None:
    world = World()
    world.reach(QuotaState.CONTENDED)
    assert world.now < world.quota.asks_at() < world.now + 1
    assert world.quota.request(world.now, regular=False) is None
    world.now = world.quota.asks_at()
    world.answer(granted=1)
    assert world.quota.state is QuotaState.SUPPLIED
    assert world.quota.blocked(1, world.now) is None


def test_a_quota_that_is_used_up_is_asked_for_again_after_a_while() -> None:
    world = World()
    world.reach(QuotaState.USED_UP)
    assert world.quota.asks_at() == math.inf
    world.now += 5.1
    assert isinstance(world.quota.blocked(1, world.now), Renew)
    assert world.quota.state is QuotaState.SHORT


@pytest.mark.parametrize("state", [QuotaState.SUPPLIED, QuotaState.SHORT, QuotaState.CONTENDED, QuotaState.USED_UP])
def test_with_the_next_period_a_quota_begins_anew(state: QuotaState) -> None:
    world = World()
    world.reach(state)
    before = world.quota.lease
    world.quota.refresh(EPOCH + 60)
    assert world.quota.state is QuotaState.SUPPLIED
    assert world.retired == [before]
    assert world.quota.lease.window.end == EPOCH + 120


@pytest.mark.parametrize("state", [QuotaState.SHORT, QuotaState.CONTENDED, QuotaState.USED_UP])
def test_who_waits_is_told_when_the_plan_changes_or_ends(state: QuotaState) -> None:
    world, told = World(), list[str]()
    world.reach(state)
    world.quota.hold(lambda: told.append("changed"))
    world.quota.change(world.quota.terms._replace(limit=200), world.now)
    world.quota.hold(lambda: told.append("ended"))
    world.quota.end()
    assert told == ["changed", "ended"]


def test_an_answer_to_a_quota_that_has_ended_changes_nothing() -> None:
    world = World()
    world.reach(QuotaState.SHORT)
    request = world.quota.request(world.now, regular=False)
    assert request is not None
    world.quota.end()
    world.quota.apply(request, LeaseAnswer(request.lease_id, 50, 50, 0), world.now)
    assert world.quota.unspent == 0


# --- a rate -------------------------------------------------------------------------------------------------


def rate() -> RateReservation:
    return RateReservation(RateTerms("r", 10, 1, ExceededAction.DELAY, "subscription"), notify=lambda source: None)


def test_a_rate_is_asked_for_once_and_is_reserved_when_the_store_has_answered() -> None:
    made = rate()
    assert made.state is ReservationState.WANTED
    assert made.reservation(EPOCH) is not None
    assert made.reservation(EPOCH) is None
    made.apply(Reserved("r", EPOCH, 1), EPOCH)
    assert made.blocked(1, EPOCH) is None


def test_a_rate_that_could_not_be_reserved_is_tried_again_at_its_time() -> None:
    made = rate()
    made.reservation(EPOCH)
    made.postpone(EPOCH + 0.1)
    assert made.state is ReservationState.POSTPONED
    made.advance(EPOCH + 0.05)
    assert made.reservation(EPOCH + 0.05) is None
    made.advance(made.due())
    assert made.reservation(EPOCH + 0.1) is not None


def test_what_was_postponed_by_a_clock_that_was_set_back_is_asked_for_at_once() -> None:
    made = rate()
    made.reservation(EPOCH)
    made.postpone(EPOCH + 0.1)
    noticed = list[object]()
    made.notify = noticed.append
    made.clock_set_back()
    assert noticed == [made]
    assert made.reservation(EPOCH - 3600) is not None


def test_an_answer_to_a_rate_that_has_ended_changes_nothing() -> None:
    made = rate()
    made.reservation(EPOCH)
    made.end()
    made.apply(Reserved("r", EPOCH, 1), EPOCH)
    made.postpone(EPOCH + 0.1)
    assert made.state is ReservationState.ENDED
    assert made.unspent == 0


# --- a lease client -----------------------------------------------------------------------------------------


IDLE, WOKEN, ASKING, ASKING_WOKEN, STOPPED = ClientState


def after(*events: ClientEvent) -> ClientState:
    """The state of a client after these."""
    state = IDLE
    for event in events:
        state = CLIENT_TRANSITIONS[state, event]
    return state


def test_every_state_of_a_lease_client_is_reached_and_only_the_end_is_final() -> None:
    assert set(CLIENT_TRANSITIONS.values()) == set(ClientState)
    assert {after for (before, _), after in CLIENT_TRANSITIONS.items() if before is STOPPED} == {STOPPED}
    assert {before for before, event in CLIENT_TRANSITIONS if event is ClientEvent.STOPPED} == set(ClientState) - {
        STOPPED
    }


def test_a_lease_client_asks_one_question_at_a_time_and_hears_one_answer_to_each() -> None:
    asking = {ASKING, ASKING_WOKEN}
    assert {before for before, event in CLIENT_TRANSITIONS if event is ClientEvent.ASKED} == {IDLE, WOKEN}
    assert {before for before, event in CLIENT_TRANSITIONS if event is ClientEvent.ANSWERED} == {*asking, STOPPED}
    for (before, event), now in CLIENT_TRANSITIONS.items():
        if event in (ClientEvent.WOKEN, ClientEvent.LOOKED) and before is not STOPPED:
            assert (before in asking) is (now in asking), "a question is not over before it is answered"


def test_whoever_wakes_a_lease_client_in_any_state_is_looked_at_once() -> None:
    for state, event in product(ClientState, (ClientEvent.WOKEN, ClientEvent.LOOKED)):
        assert (state, event) in CLIENT_TRANSITIONS, "connections need it whenever they do, and timers run out"
    assert after(ClientEvent.WOKEN) is after(ClientEvent.WOKEN, ClientEvent.WOKEN) is WOKEN
    assert after(ClientEvent.WOKEN, ClientEvent.LOOKED) is IDLE
    assert after(ClientEvent.ASKED, ClientEvent.WOKEN, ClientEvent.LOOKED) is ASKING


def test_an_answer_has_the_client_look_at_what_it_changed() -> None:
    assert after(ClientEvent.ASKED, ClientEvent.ANSWERED) is WOKEN
    assert after(ClientEvent.ASKED, ClientEvent.WOKEN, ClientEvent.ANSWERED) is WOKEN
    assert after(ClientEvent.WOKEN, ClientEvent.ASKED) is ASKING_WOKEN, "what the look itself changed is not lost"
    assert after(ClientEvent.ASKED, ClientEvent.STOPPED, ClientEvent.ANSWERED) is STOPPED


def test_the_sentence_says_what_a_lost_gateway_holds_and_fits_into_a_close_frame() -> None:
    world = World()
    world.quota.terms = world.quota.terms._replace(limit=10**9)
    world.quota.lease.lost = 5
    assert "are used up or lent to a lost gateway. More from" in world.quota.sentence()
    assert len(world.quota.sentence().encode()) <= 123


def test_with_the_next_period_a_quota_that_was_used_up_is_asked_for_at_once() -> None:
    world = World()
    world.now = EPOCH + 58
    world.reach(QuotaState.USED_UP)
    world.quota.refresh(EPOCH + 60)
    request = world.quota.request(EPOCH + 60, regular=True)
    assert request is not None
    world.quota.apply(request, LeaseAnswer(request.lease_id, 0, 0, 50), EPOCH + 60)
    assert isinstance(world.quota.blocked(60, EPOCH + 60), Renew)


def test_a_store_that_failed_is_left_alone_for_a_moment_also_across_periods() -> None:
    world = World()
    world.now = EPOCH + 59.99
    world.reach(QuotaState.SHORT)
    assert world.quota.request(world.now, regular=False) is not None
    world.quota.failed(world.now)
    world.quota.hold(lambda: None)
    world.quota.refresh(EPOCH + 60.0)
    assert world.quota.state is QuotaState.SHORT
    assert world.quota.request(EPOCH + 60.0, regular=False) is None
    assert EPOCH + 60.0 < world.quota.asks_at() < EPOCH + 60.5
    assert world.quota.request(world.quota.asks_at(), regular=False) is not None


def test_a_clock_that_was_set_back_has_nobody_wait_for_what_it_showed() -> None:
    world = World()
    world.reach(QuotaState.SHORT)
    assert world.quota.request(world.now, regular=False) is not None
    world.quota.failed(world.now)
    world.quota.hold(lambda: None)
    world.now -= 3600
    world.quota.clock_set_back(world.now)
    assert world.quota.asks_at() <= world.now
