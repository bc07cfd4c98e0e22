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


class Line(NamedTuple):
    """An open connection of Carol's, with the ids of all that it stands on."""

    api: str
    subscription: str
    keys: dict[str, Any]
    address: str
    socket: ClientConnection


Connect = Callable[..., Line]


@pytest.fixture
def connected(product: Product) -> Iterator[Connect]:
    """Publish an API, subscribe, connect, and see an echo come back."""
    lines = ExitStack()

    def connect(name: str, address: str = "", kind: str = "JWT") -> Line:
        api = product.act("publish", name=name, endpoint=f"{product.samples}/echo")
        keys = product.act("application", owner="carol", name=name, kind=kind)
        subscription = product.act("subscribe", application=keys["application"], api=api)
        url = f"{address or product.ws}/{name.lower()}/1.0"
        socket = lines.enter_context(let_in(url, keys["token"]))
        socket.send("hello")
        assert socket.recv(10) == "hello"
        return Line(api, subscription, keys, url, socket)

    with lines:
        yield connect


@pytest.mark.parametrize("kind", ["JWT", "OAUTH"])
def test_revoking_a_token_closes_with_4001_and_the_token_is_refused(
    product: Product, connected: Connect, kind: str
) -> None:
    line = connected(f"Revoking{kind}", kind=kind)
    product.act("revoke_token", token_id=line.keys["token_id"])
    assert closed(line.socket)[0] == 4001
    body, _ = refused_soon(line.address, 401, **bearer(line.keys["token"]))
    assert body["code"] == 900901


def test_a_line_over_tls_is_closed_as_well(product: Product, connected: Connect) -> None:
    line = connected("RevokingTls", product.wss)
    product.act("revoke_token", token_id=line.keys["token_id"])
    assert closed(line.socket)[0] == 4001


def test_unsubscribing_closes_with_4002(product: Product, connected: Connect) -> None:
    line = connected("Unsubscribing")
    product.act("unsubscribe", subscription=line.subscription)
    assert closed(line.socket)[0] == 4002
    refused_soon(line.address, 403, **bearer(line.keys["token"]))


def test_a_blocked_subscription_closes_with_4006(product: Product, connected: Connect) -> None:
    line = connected("BlockingSubscription")
    product.act("set_subscription_state", subscription=line.subscription, state="BLOCKED")
    assert closed(line.socket)[0] == 4006
    refused_soon(line.address, 403, **bearer(line.keys["token"]))


def test_a_blocked_api_closes_with_4006(product: Product, connected: Connect) -> None:
    line = connected("BlockingApi")
    product.act("transition", api=line.api, action="Block")
    assert closed(line.socket)[0] == 4006


@pytest.mark.parametrize("actions", [["Demote to Created"], ["Deprecate", "Retire"]], ids=["demoted", "retired"])
def test_an_api_that_is_no_longer_served_closes_with_4010(
    product: Product, connected: Connect, actions: list[str]
) -> None:
    line = connected(f"Ending{len(actions)}")
    for action in actions:
        product.act("transition", api=line.api, action=action)
    assert closed(line.socket)[0] == 4010
    refused_soon(line.address, 404, **bearer(line.keys["token"]))


def test_deprecating_keeps_the_lines_of_those_who_are_subscribed(product: Product, connected: Connect) -> None:
    line = connected("Deprecating")
    product.act("transition", api=line.api, action="Deprecate")
    with let_in(line.address, line.keys["token"]) as another:
        another.send("still here")
        assert another.recv(10) == "still here"
    line.socket.send("so am I")
    assert line.socket.recv(10) == "so am I"


def test_only_the_lines_that_lost_their_right_are_closed(product: Product, connected: Connect) -> None:
    ending, staying = connected("OneEnds"), connected("OneStays")
    product.act("revoke_token", token_id=ending.keys["token_id"])
    assert closed(ending.socket)[0] == 4001
    staying.socket.send("still here")
    assert staying.socket.recv(10) == "still here"


def test_a_token_that_expires_closes_its_line_with_4001(product: Product, connected: Connect) -> None:
    line = connected("Expiring")
    short = product.act("another_token", application=line.keys["application"], seconds=3)
    with let_in(line.address, short["token"]) as socket:
        assert closed(socket)[0] == 4001
    line.socket.send("the other token is good")
    assert line.socket.recv(10) == "the other token is good"
    with pytest.raises(ConnectionClosed):
        socket.send("too late")
