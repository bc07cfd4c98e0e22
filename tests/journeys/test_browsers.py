"""A page of somebody else's site talks to an API through the gateway, in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.journeys.gateway import let_in_by_all
from tests.product import Product

CONNECT = """([address, protocols]) => new Promise((resolve) => {
  const socket = (window.socket = new WebSocket(address, protocols));
  socket.onopen = () => socket.send("hello");
  socket.onmessage = (event) => resolve({said: event.data, chosen: socket.protocol});
  socket.onclose = (event) => resolve({closed: event.code});
})"""
ASK = """([address, token]) => fetch(address, {method: "POST", headers: {Authorization: `Bearer ${token}`}})
  .then(async (answer) => ({status: answer.status, ...(await answer.json())}))
  .catch((error) => ({kept: String(error)}))"""
SAY = """(words) => new Promise((resolve) => {
  window.socket.onmessage = (event) => resolve(event.data);
  window.socket.send(words);
})"""


class EmptyPage(BaseHTTPRequestHandler):
    """A page with nothing on it."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a site</title><link rel=icon href=data:,>")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def sites() -> Iterator[list[str]]:
    """The origins of two sites."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [f"http://localhost:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def keys(product: Product, sites: list[str], request: pytest.FixtureRequest) -> dict[str, Any]:
    """Carol's token for an API that the first site alone may call, without tokens in the address."""
    name = f"Web{abs(hash(request.node.name)) % 10**8}"
    api = product.act("publish", name=name, endpoint=f"{product.samples}/echo")
    product.act("runtime", api=api, origins=[sites[0]], query_token=False)
    made = product.act("application", owner="carol", name=name)
    product.act("subscribe", application=made["application"], api=api)
    path = f"/{name.lower()}/1.0"
    let_in_by_all(f"{product.ws}{path}", made["token"])
    return {**made, "path": path, "http": product.ws.replace("ws:", "http:")}


def test_a_page_connects_with_its_token_among_the_subprotocols(
    product: Product, sites: list[str], keys: dict[str, Any], page: Page
) -> None:
    page.goto(sites[0])
    answer = page.evaluate(CONNECT, [f"{product.ws}{keys['path']}", ["apim", f"bearer.{keys['token']}"]])
    assert answer == {"said": "hello", "chosen": "apim"}


def test_a_page_connects_with_a_ticket_once_and_stays_beyond_its_token(
    product: Product, sites: list[str], keys: dict[str, Any], visitor: BrowserContext
) -> None:
    page, again = visitor.new_page(), visitor.new_page()
    short = product.act("another_token", application=keys["application"], seconds=6)["token"]
    page.goto(sites[0])
    ticket = page.evaluate(ASK, [f"{keys['http']}/tickets{keys['path']}", short])
    assert ticket["status"] == 201
    assert page.evaluate(CONNECT, [f"{product.ws}{ticket['path']}", []]) == {"said": "hello", "chosen": ""}

    renewed = page.evaluate(ASK, [f"{keys['http']}/connections/{ticket['connection']}/token", keys["token"]])
    assert renewed["status"] == 200
    page.wait_for_timeout(7000)
    assert page.evaluate(SAY, "still here") == "still here"

    again.goto(sites[0])
    assert "said" not in again.evaluate(CONNECT, [f"{product.ws}{ticket['path']}", []])


def test_a_page_of_another_site_is_kept_out(
    product: Product, sites: list[str], keys: dict[str, Any], visitor: BrowserContext
) -> None:
    stranger = visitor.new_page()
    stranger.goto(sites[1])
    assert "kept" in stranger.evaluate(ASK, [f"{keys['http']}/tickets{keys['path']}", keys["token"]])
    knocked = stranger.evaluate(CONNECT, [f"{product.ws}{keys['path']}", ["apim", f"bearer.{keys['token']}"]])
    assert knocked == {"closed": 1006}
    own = visitor.new_page()
    own.goto(sites[0])
    ticket = own.evaluate(ASK, [f"{keys['http']}/tickets{keys['path']}", keys["token"]])
    assert stranger.evaluate(CONNECT, [f"{product.ws}{ticket['path']}", []]) == {"closed": 1006}


def test_no_credential_of_a_page_stands_in_the_log(
    product: Product, sites: list[str], keys: dict[str, Any], visitor: BrowserContext
) -> None:
    tab = visitor.new_page()
    tab.goto(sites[0])
    ticket = tab.evaluate(ASK, [f"{keys['http']}/tickets{keys['path']}", keys["token"]])
    for target in (ticket["path"], ticket["path"], f"{keys['path']}?access_token={keys['token']}"):
        tab.evaluate(CONNECT, [f"{product.ws}{target}", []])
    tab.evaluate(CONNECT, [f"{product.ws}{keys['path']}", ["apim", f"bearer.{keys['token']}"]])
    log = product.log()
    assert keys["path"].rpartition("/")[0] in log
    assert ticket["ticket"] not in log
    assert keys["token"] not in log
