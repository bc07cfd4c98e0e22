"""Who is connected, and whose token ends when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authorization.decision import Allow
from gateway.authorization.grants import SubscriptionGrant
from gateway.connections import registry as module
from gateway.connections.registry import Connection, ConnectionRegistry, ExpiryQueue
from gateway.routing.table import route_to
from tests.gateway.builders import HOUR, NOW, PRODUCTION, deployment, grant


def connection(
    connection_id: str = "l1",
    *,
    context: str = "/echo",
    application: str = "app",
    token: Any = 1,
    ends: float = NOW + HOUR,
) -> Connection:
    """A connection of one application to one API, by one token."""
    route = route_to(deployment(context), "")
    assert route is not None
    shown = grant(application_id=application, token_id=str(token), expires_at=ends)
    admitted = Allow(route, shown, SubscriptionGrant("s", "Gold", "UNBLOCKED"), PRODUCTION)
    return Connection(connection_id, admitted, lambda code, reason: None, "192.0.2.7", NOW)


def test_a_connection_is_found_by_its_id_api_application_and_token_until_it_is_gone() -> None:
    connections = ConnectionRegistry()
    first, second = connection("l1"), connection("l2", context="/chat", application="other", token="2")
    connections.add(first)
    connections.add(second)
    assert connections.by_id.get("l1") is first
    assert connections.by_api == {"/echo@1.0.0": {first}, "/chat@1.0.0": {second}}
    assert connections.by_application == {"app": {first}, "other": {second}}
    assert connections.by_token == {"1": {first}, "2": {second}}
    connections.discard(first)
    assert connections.by_id.get("l1") is None
    assert (connections.by_api, connections.by_application) == ({"/chat@1.0.0": {second}}, {"other": {second}})
    assert connections.by_token == {"2": {second}}
    assert list(connections) == [second]


def test_a_connection_that_is_gone_already_may_be_discarded_again() -> None:
    connections, only = ConnectionRegistry(), connection()
    connections.add(only)
    connections.discard(only)
    connections.discard(only)
    assert len(connections) == 0


def test_connections_may_go_while_all_are_walked() -> None:
    connections = ConnectionRegistry()
    for number in range(5):
        connections.add(connection(str(number)))
    for each in connections:
        connections.discard(each)
    assert len(connections) == 0


@pytest.mark.parametrize(("now", "expected"), [(NOW + 9.9, set()), (NOW + 10, {"a", "b"}), (NOW + 99, {"a", "b", "c"})])
def test_connections_expire_with_their_token(now: float, expected: set[str]) -> None:
    connections = ConnectionRegistry()
    for name, token, ends in (("a", "1", 10), ("b", "1", 10), ("c", "2", 20), ("d", "3", 1000)):
        connections.add(connection(name, token=token, ends=NOW + ends))
    assert not expected or connections.has_expired(now)
    assert {each.id for each in connections.expired(now)} == expected
    assert not connections.has_expired(now)


def test_a_token_ends_once() -> None:
    connections = ConnectionRegistry()
    connections.add(connection(ends=NOW + 1))
    assert len(connections.expired(NOW + 1)) == 1
    assert connections.expired(NOW + 2) == []


def test_a_connection_that_left_before_its_token_ended_is_not_named() -> None:
    connections, gone = ConnectionRegistry(), connection(ends=NOW + 1)
    connections.add(gone)
    connections.discard(gone)
    assert connections.expired(NOW + 1) == []


def test_a_token_that_comes_back_ends_all_the_same() -> None:
    connections = ConnectionRegistry()
    for number in range(3):
        each = connection(str(number), ends=NOW + 1)
        connections.add(each)
        connections.discard(each)
    back = connection("back", ends=NOW + 1)
    connections.add(back)
    assert connections.expired(NOW + 1) == [back]


def test_a_token_that_was_given_longer_ends_later() -> None:
    connections, renewed = ConnectionRegistry(), connection(ends=NOW + 1)
    connections.add(renewed)
    renewed.admitted = replace(renewed.admitted, grant=replace(renewed.admitted.grant, expires_at=NOW + 5))
    assert connections.expired(NOW + 1) == []
    assert connections.expired(NOW + 5) == [renewed]


@pytest.mark.parametrize("same_token", [True, False])
def test_nothing_grows_with_clients_that_come_and_go(same_token: bool) -> None:
    connections = ConnectionRegistry()
    for number in range(5 * module.LEAST_SWEPT):
        each = connection("l", token="1" if same_token else str(number))
        connections.add(each)
        connections.discard(each)
    assert connections.by_token == {}


@pytest.mark.parametrize("same_token", [True, False])
def test_tokens_whose_connections_have_gone_are_swept_out(same_token: bool) -> None:
    expiries = ExpiryQueue()
    for number in range(5 * module.LEAST_SWEPT):
        expiries.add("1" if same_token else str(number), NOW, keeping=())
    assert len(expiries.heap) <= (1 if same_token else module.LEAST_SWEPT)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 30)), max_size=40), st.integers(0, 30))
def test_whoever_comes_and_goes_exactly_those_on_ended_tokens_are_named(
    events: list[tuple[int, int, int]], now: int
) -> None:
    connections, ends = ConnectionRegistry(), {}
    for name, token, at in events:
        if known := connections.by_id.get(str(name)):
            connections.discard(known)
        else:
            ends.setdefault(token, NOW + at)
            connections.add(connection(str(name), token=str(token), ends=ends[token]))
    due = {each.id for each in connections if each.admitted.grant.expires_at <= NOW + now}
    assert not due or connections.has_expired(NOW + now)
    assert {each.id for each in connections.expired(NOW + now)} == due


def test_a_connection_that_rests_on_another_token_is_found_by_it_and_ends_with_it() -> None:
    connections, only = ConnectionRegistry(), connection(token="1", ends=NOW + 1)
    connections.add(only)
    connections.move(only, replace(only.admitted, grant=grant(token_id="2", expires_at=NOW + 5)))
    assert (connections.by_token, only.admitted.grant.expires_at) == ({"2": {only}}, NOW + 5)
    assert connections.expired(NOW + 1) == []
    assert connections.expired(NOW + 5) == [only]
    connections.discard(only)
    assert (len(connections), connections.by_token) == (0, {})


def test_a_connection_that_is_gone_is_not_moved_back() -> None:
    connections, gone = ConnectionRegistry(), connection()
    connections.add(gone)
    connections.discard(gone)
    connections.move(gone, replace(gone.admitted, grant=grant(token_id="2")))
    assert (len(connections), connections.by_token) == (0, {})
