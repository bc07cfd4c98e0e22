"""The tutorial is about a chat application: the sample chat behind the gateway, with its rooms as topics."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.journeys.gateway import let_in, let_in_by_all
from tests.journeys.people import sign_in
from tests.journeys.wscat import CONNECTED, Wscat
from tests.product import Product


def test_two_people_talk_in_a_room_below_the_version(product: Product) -> None:
    api = product.act("publish", name="Chat", endpoint=f"{product.samples}/chat")
    keys = product.act("application", owner="carol", name="Tea client")
    product.act("subscribe", application=keys["application"], api=api)
    room = f"{product.ws}/chat/1.0.0/rooms/tea"
    let_in_by_all(f"{product.ws}/chat/1.0.0/rooms/hall?name=bob", keys["token"])
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


def test_the_sample_api_works_from_one_click(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "admin", "admin")
    page.goto(f"{product.portal}/publisher/apis")
    page.get_by_role("button", name="CREATE API").click()
    page.get_by_role("button", name="Deploy sample API").or_(
        page.get_by_role("menuitem", name="Deploy sample API")
    ).first.click()
    expect(page.get_by_text("is published").first).to_be_visible()
    api = page.url.rpartition("/")[2]
    keys = product.act("application", owner="carol", name="Sample client")
    product.act("subscribe", application=keys["application"], api=api)
    with (
        let_in(f"{product.ws}/chat-sample/1.0.0/rooms/tea?name=carol", keys["token"]) as tea,
        let_in(f"{product.ws}/chat-sample/1.0.0", keys["token"]) as lobby,
    ):
        assert json.loads(tea.recv(10))["room"] == "tea"
        assert json.loads(lobby.recv(10))["room"] == "lobby"
