"""The tutorial is about a chat application: the sample chat behind the gateway, with its rooms as topics."""

from __future__ import annotations

import json

from tests.journeys.gateway import let_in
from tests.journeys.wscat import CONNECTED, Wscat
from tests.product import Product


def test_two_people_talk_in_a_room_below_the_version(product: Product) -> None:
    api = product.act("publish", name="Chat", endpoint=f"{product.samples}/chat")
    keys = product.act("application", owner="carol", name="Tea client")
    product.act("subscribe", application=keys["application"], api=api)
    room = f"{product.ws}/chat/1.0.0/rooms/tea"
    with (
        let_in(f"{room}?name=bob", keys["token"]) as bob,
        Wscat(f'wscat -c "{room}?name=carol&access_token={keys["token"]}"') as carol,
    ):
        carol.read_until(CONNECTED)
        carol.type("good morning")
        carol.read_until('"text": "good morning"')
        heard = [json.loads(bob.recv(10)) for _ in range(3)]
    assert [(each["from"], each.get("presence") or each["text"]) for each in heard] == [
        ("bob", "join"),
        ("carol", "join"),
        ("carol", "good morning"),
    ]
    assert {each["room"] for each in heard} == {"tea"}


def test_a_room_of_another_name_is_another_room(product: Product) -> None:
    api = product.act("publish", name="Rooms", endpoint=f"{product.samples}/chat")
    keys = product.act("application", owner="carol", name="Rooms client")
    product.act("subscribe", application=keys["application"], api=api)
    with (
        let_in(f"{product.ws}/rooms/1/rooms/tea?name=bob", keys["token"]) as tea,
        let_in(f"{product.ws}/rooms/1/rooms/coffee?name=carol", keys["token"]) as coffee,
    ):
        coffee.send("anybody?")
        assert [json.loads(coffee.recv(10)).get("text") for _ in range(2)] == [None, "anybody?"]
        tea.send("only me")
        assert [json.loads(tea.recv(10)).get("text") for _ in range(2)] == [None, "only me"]
