"""A right that ends closes the sockets that stand on it, with a code that says whether to come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.journeys.gateway import bearer, closed, let_in, refused_soon
from tests.product import Product


class OpenConnection(NamedTuple):
    """An open connection of Carol's, with the ids of all that it stands on."""

    api: str
    subscription: str
    keys: dict[str, Any]
    address: str
    socket: ClientConnection


Connect = Callable[..., OpenConnection]


@pytest.fixture
def connected(product: Product) -> Iterator[Connect]:
    """Publish an API, subscribe, connect, and see an echo come back."""
    stack = ExitStack()

    def connect(name: str, address: str = "", kind: str = "JWT") -> OpenConnection:
        api = product.act("publish", name=name, endpoint=f"{product.samples}/echo")
        keys = product.act("application", owner="carol", name=name, kind=kind)
        subscription = product.act("subscribe", application=keys["application"], api=api)
        url = f"{address or product.ws}/{name.lower()}/1.0"
        socket = stack.enter_context(let_in(url, keys["token"]))
        socket.send("hello")
        assert socket.recv(10) == "hello"
        return OpenConnection(api, subscription, keys, url, socket)

    with stack:
        yield connect


@pytest.mark.parametrize("kind", ["JWT", "OAUTH"])
def test_revoking_a_token_closes_with_4001_and_the_token_is_refused(
    product: Product, connected: Connect, kind: str
) -> None:
    connection = connected(f"Revoking{kind}", kind=kind)
    product.act("revoke_token", token_id=connection.keys["token_id"])
    assert closed(connection.socket)[0] == 4001
    body, _ = refused_soon(connection.address, 401, **bearer(connection.keys["token"]))
    assert body["code"] == 900901


def test_a_connection_over_tls_is_closed_as_well(product: Product, connected: Connect) -> None:
    connection = connected("RevokingTls", product.wss)
    product.act("revoke_token", token_id=connection.keys["token_id"])
    assert closed(connection.socket)[0] == 4001


def test_unsubscribing_closes_with_4002(product: Product, connected: Connect) -> None:
    connection = connected("Unsubscribing")
    product.act("unsubscribe", subscription=connection.subscription)
    assert closed(connection.socket)[0] == 4002
    refused_soon(connection.address, 403, **bearer(connection.keys["token"]))


def test_a_blocked_subscription_closes_with_4006(product: Product, connected: Connect) -> None:
    connection = connected("BlockingSubscription")
    product.act("set_subscription_state", subscription=connection.subscription, state="BLOCKED")
    assert closed(connection.socket)[0] == 4006
    refused_soon(connection.address, 403, **bearer(connection.keys["token"]))


def test_a_blocked_api_closes_with_4006(product: Product, connected: Connect) -> None:
    connection = connected("BlockingApi")
    product.act("transition", api=connection.api, action="Block")
    assert closed(connection.socket)[0] == 4006


@pytest.mark.parametrize("actions", [["Demote to Created"], ["Deprecate", "Retire"]], ids=["demoted", "retired"])
def test_an_api_that_is_no_longer_served_closes_with_4010(
    product: Product, connected: Connect, actions: list[str]
) -> None:
    connection = connected(f"Ending{len(actions)}")
    for action in actions:
        product.act("transition", api=connection.api, action=action)
    assert closed(connection.socket)[0] == 4010
    refused_soon(connection.address, 404, **bearer(connection.keys["token"]))


def test_deprecating_keeps_the_connections_of_those_who_are_subscribed(product: Product, connected: Connect) -> None:
    connection = connected("Deprecating")
    product.act("transition", api=connection.api, action="Deprecate")
    with let_in(connection.address, connection.keys["token"]) as another:
        another.send("still here")
        assert another.recv(10) == "still here"
    connection.socket.send("so am I")
    assert connection.socket.recv(10) == "so am I"


def test_only_the_connections_that_lost_their_right_are_closed(product: Product, connected: Connect) -> None:
    ending, staying = connected("OneEnds"), connected("OneStays")
    product.act("revoke_token", token_id=ending.keys["token_id"])
    assert closed(ending.socket)[0] == 4001
    staying.socket.send("still here")
    assert staying.socket.recv(10) == "still here"


def test_a_token_that_expires_closes_its_connection_with_4001(product: Product, connected: Connect) -> None:
    connection = connected("Expiring")
    short = product.act("another_token", application=connection.keys["application"], seconds=3)
    with let_in(connection.address, short["token"]) as socket:
        assert closed(socket)[0] == 4001
    connection.socket.send("the other token is good")
    assert connection.socket.recv(10) == "the other token is good"
    with pytest.raises(ConnectionClosed):
        socket.send("too late")
